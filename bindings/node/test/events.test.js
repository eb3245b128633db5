'use strict'

const assert = require('node:assert/strict')

const { failure, gatewire, nextEvent, startClient, startPair, startServer, test } = require('./support.js')

test('an event reaches the emitter under its name and under "event"', async (t) => {
  const { server, client } = await startPair(t)
  const named = nextEvent(client, 'event:news')
  const any = new Promise((resolve) => client.on('event', (event) => event.name === 'news' && resolve(event)))
  server.push('news', { headline: 'größer' })
  const [payload, event] = await named
  assert.deepEqual(payload, { headline: 'größer' })
  assert.equal(event.name, 'news')
  assert.equal(event.json, '{"headline":"größer"}')
  assert.equal(await any, event)
})

test('an event may be without payload, and text is a payload', async (t) => {
  const { server, client } = await startPair(t)
  const events = client.events({ names: ['a', 'b', 'c'] })
  server.push('a')
  server.push('b', 'text')
  server.push('c', Buffer.from('[1, 2]'))
  const payloads = []
  for await (const event of events) {
    payloads.push(event.payload)
    if (payloads.length === 3) break
  }
  assert.deepEqual(payloads, [undefined, 'text', [1, 2]])
})

test('events arrive in order, however many wait', async (t) => {
  const { server, client } = await startPair(t)
  const events = client.events({ names: ['count'] })
  for (let n = 0; n < 5000; n++) server.push('count', { n })
  let expected = 0
  for await (const { payload } of events) {
    assert.equal(payload.n, expected++)
    if (expected === 5000) break
  }
})

test('an event goes to one peer or to all', async (t) => {
  const server = await startServer(t)
  const peers = []
  server.on('peer', (peer) => peers.push(peer))
  const first = await startClient(t, server)
  const second = await startClient(t, server)
  assert.equal(peers.length, 2)
  const toSecond = nextEvent(second, 'event:private')
  first.on('event:private', () => assert.fail('it was for the other'))
  peers[1].push('private', { for: 2 })
  assert.deepEqual((await toSecond)[0], { for: 2 })
  const toBoth = Promise.all([nextEvent(first, 'event:all'), nextEvent(second, 'event:all')])
  server.push('all', 1)
  assert.deepEqual((await toBoth).map(([payload]) => payload), [1, 1])
})

test('a loop over events ends when the client is closed', async (t) => {
  const { server, client } = await startPair(t)
  const seen = []
  const loop = (async () => {
    for await (const event of client.events({ names: ['x'] })) seen.push(event.payload)
  })()
  const arrived = nextEvent(client, 'event:x')
  server.push('x', 1)
  await arrived
  await client.close()
  await loop
  assert.deepEqual(seen, [1])
  for await (const event of client.events()) assert.fail(event.name)
})

test('a loop over events ends with the error that ended the client', async (t) => {
  const { server, client } = await startPair(t, { clientOptions: { reconnect: false } })
  const loop = failure((async () => {
    for await (const event of client.events({ names: ['x'] })) assert.fail(event.name)
  })())
  await server.stop('maintenance')
  const error = await loop
  assert.ok(error instanceof gatewire.GatewireError)
})

test('several loops have events of their own, and one that stops leaves the others', async (t) => {
  const { server, client } = await startPair(t)
  const one = client.events({ names: ['x'] })
  const two = client.events({ names: ['x', 'y'] })
  server.push('x', 1)
  server.push('y', 2)
  assert.equal((await one.next()).value.payload, 1)
  assert.deepEqual(await one.return(), { value: undefined, done: true })
  assert.deepEqual(await one.next(), { value: undefined, done: true })
  assert.equal((await two.next()).value.payload, 1)
  assert.equal((await two.next()).value.payload, 2)
})

test('a loop that falls behind its limit ends with an error', async (t) => {
  const { server, client } = await startPair(t)
  const slow = client.events({ names: ['x'], limit: 3 })
  const last = nextEvent(client, 'event:end')
  for (let n = 0; n < 4; n++) server.push('x', n)
  server.push('end')
  await last
  for (let n = 0; n < 3; n++) assert.equal((await slow.next()).value.payload, n)
  const error = await failure(slow.next())
  assert.ok(error instanceof gatewire.ResourceError)
  assert.equal(error.code, 'GW_ERR_LIMIT')
  assert.equal((await slow.next()).done, true)
})

test('a listener that throws loses no other event', async (t) => {
  const { server, client } = await startPair(t)
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  // The test runner has a listener of its own, which would fail the test.
  const others = process.listeners('uncaughtException').slice(0, -1)
  for (const listener of others) process.off('uncaughtException', listener)
  t.after(() => others.forEach((listener) => process.on('uncaughtException', listener)))
  client.on('event:bad', () => { throw new Error('listener') })
  const good = nextEvent(client, 'event:good')
  server.push('bad')
  server.push('good', 1)
  assert.deepEqual((await good)[0], 1)
  assert.equal((await thrown).message, 'listener')
})

test('peers are told of, and so is their end', async (t) => {
  const server = await startServer(t)
  const arrived = nextEvent(server, 'peer')
  const client = await startClient(t, server, { scopes: ['operator.read'] })
  const [peer] = await arrived
  assert.equal(peer.role, 'operator')
  assert.deepEqual(peer.scopes, ['operator.read'])
  assert.match(peer.deviceId, /^[0-9a-f]{64}$/)
  assert.equal(peer.isConnected, true)
  assert.deepEqual(server.peers, [peer])
  const left = nextEvent(server, 'peer-closed')
  await client.close()
  assert.equal((await left)[0], peer)
  assert.equal(peer.isConnected, false)
  assert.deepEqual(server.peers, [])
  assert.equal(peer.push('late'), false)
  assert.equal(peer.disconnect(), false)
})

test('a peer that the host disconnects is told the code and the reason', async (t) => {
  const { server, client } = await startPair(t, { clientOptions: { reconnect: false } })
  const closed = nextEvent(client, 'closed')
  server.peers[0].disconnect(4001, 'gateway auth changed')
  const [error] = await closed
  assert.equal(error.code, 'GW_ERR_CLOSED')
  assert.equal(error.closeCode, 4001)
  assert.match(error.message, /gateway auth changed/)
})
