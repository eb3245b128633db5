'use strict'

// Idempotent calls, calls without a connection, subscriptions, the initial sync, and catching up after a loss.

const assert = require('node:assert/strict')

const { failure, gatewire, nextEvent, startClient, startPair, startServer, test } = require('./support.js')

const { CallTimeoutError, Client, NotConnectedError, NotSentError, ResourceError, UsageError } = gatewire

const QUICK = { reconnectInitialMs: 10, reconnectMaxMs: 50 }

test('an idempotent call takes its key along', async (t) => {
  const { server, client } = await startPair(t)
  server.method('echo', (params) => params)
  server.method('never', () => new Promise(() => {}))
  const made = await client.call('echo', { a: 1 }, { idempotent: true })
  assert.match(made.idempotencyKey, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.deepEqual(await client.call('echo', undefined, { idempotent: 'mine' }), { idempotencyKey: 'mine' })
  assert.deepEqual(await client.call('echo', { a: 1 }, { traceparent: '00-1-2-01' }), { a: 1 })
  assert.ok(await failure(client.call('echo', [1], { idempotent: true })) instanceof UsageError)
  assert.ok(await failure(client.call('echo', {}, { idempotent: 'k'.repeat(300) })) instanceof UsageError)
  const late = await failure(client.call('never', {}, { idempotent: 'late', timeoutMs: 5 }))
  assert.ok(late instanceof CallTimeoutError)
  assert.equal(late.idempotencyKey, 'late')
  assert.equal(late.gatewayCode, undefined)
})

test('a call waits for its connection, and no longer than its time', async (t) => {
  const server = await startServer(t)
  const options = { token: 'secret', pins: server.pin, offline: {} }
  const client = new Client(server.url, options)
  t.after(() => client.close())
  const early = client.call('health')
  assert.ok(await failure(client.call('health', {}, { onlineOnly: true })) instanceof NotConnectedError)
  assert.equal(typeof await early, 'object')

  const nowhere = new Client('ws://127.0.0.1:1', { offline: { timeToLiveMs: 20, maxCalls: 1 } })
  t.after(() => nowhere.close())
  const call = nowhere.call('m', undefined, { idempotent: 'k' })
  assert.ok(await failure(nowhere.call('m')) instanceof ResourceError)
  const error = await failure(call)
  assert.ok(error instanceof NotSentError)
  assert.equal(error.idempotencyKey, 'k')
})

test('each connection begins with the subscriptions and the initial sync', async (t) => {
  const server = await startServer(t)
  server.method('sub', (params) => params)
  const client = await startClient(t, server, { initialSync: ['health', ['no.such', { a: 1 }]], ...QUICK })
  const synced = nextEvent(client, 'synced')
  const subscribed = nextEvent(client, 'subscribed')
  const subscription = client.subscribe('sub', { x: 1 })
  assert.deepEqual(await subscribed, [{ subscription, payload: { x: 1 }, error: null }])
  const [[health, missing]] = await synced
  assert.equal(health.ok, true)
  assert.equal(missing.method, 'no.such')
  assert.equal(missing.ok, false)
  client.unsubscribe(subscription)
  assert.throws(() => client.unsubscribe(subscription), NotConnectedError)
})

test('events wait until the program has caught up', async (t) => {
  const server = await startServer(t)
  const client = await startClient(t, server, { resync: { timeoutMs: Infinity }, ...QUICK })
  const [peer] = server.peers
  const stale = nextEvent(client, 'stale')
  const again = nextEvent(server, 'peer')
  peer.disconnect()
  const [told] = await stale
  assert.equal(told.reason, 'reconnect')
  const [next] = await again
  next.push('chat', { n: 1 })
  let seen = 0
  client.on('event:chat', () => seen++)
  await client.call('health')
  assert.equal(seen, 0)
  const chat = nextEvent(client, 'event:chat')
  assert.equal(client.resynced(told), true)
  assert.equal(client.resynced(told), false)
  assert.deepEqual((await chat)[0], { n: 1 })
})
