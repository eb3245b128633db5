'use strict'

// What a client says it has done; nothing of it holds a secret.

const assert = require('node:assert/strict')

const { failure, gatewire, nextEvent, startClient, startServer, test } = require('./support.js')

const { Client } = gatewire

test('sums, and times by method', async (t) => {
  const server = await startServer(t)
  const client = await startClient(t, server, { observe: { methods: true } })
  for (let i = 0; i < 3; i++) await client.call('health')
  await failure(client.call('no.such'))
  const stats = client.stats()
  assert.equal(stats.attempts, 1)
  assert.equal(stats.connections, 1)
  assert.equal(stats.messagesSent, 5)
  assert.ok(stats.wireBytesSent > stats.messagesSent && stats.readyMs > 0 && stats.connectingMs > 0)
  assert.deepEqual(Object.keys(stats.methods), ['health', 'no.such'])
  const { answers, leastMs, meanMs, greatestMs } = stats.methods.health
  assert.equal(answers, 3)
  assert.ok(leastMs > 0 && leastMs <= meanMs && meanMs <= greatestMs)
  assert.deepEqual(client.dump(), [])
})

test('the flight recorder and the log', async (t) => {
  const server = await startServer(t)
  const entries = []
  const client = new Client(server.url, {
    token: 'secret', pins: server.pin, observe: { recorderBytes: 65536, frameBytes: 4096, log: 'debug' }
  })
  t.after(() => client.close())
  client.on('log', (entry) => entries.push(entry))
  await client.ready()
  await client.call('health', { probe: true })
  const recorded = client.dump()
  assert.deepEqual(recorded.filter(({ kind }) => kind === 'state').map(({ text }) => text), ['connecting', 'ready'])
  const sent = recorded.filter(({ kind }) => kind === 'out')
  assert.match(sent[0].text, /"auth":\{"token":null\}/)
  assert.match(sent[1].text, /"params":\{"probe":true\}/)
  assert.equal(sent[1].bytes, sent[1].text.length)
  assert.deepEqual(entries.filter(({ kind }) => kind === 'out').map(({ text }) => text), sent.map(({ text }) => text))
  assert.doesNotMatch(JSON.stringify([recorded, entries]), /"secret"/)
})

test('a failure brings the dump', async (t) => {
  const client = new Client('ws://127.0.0.1:1', { reconnect: false, observe: { recorderBytes: 4096, dumpOnFailure: true } })
  t.after(() => client.close())
  const [entry] = await nextEvent(client, 'log')
  assert.equal(entry.kind, 'dump')
  assert.match(entry.text, /refused/)
})

test('a wrong observe is refused', () => {
  assert.throws(() => new Client('ws://127.0.0.1:1', { observe: { log: 'loud' } }), /observe: log/)
  assert.throws(() => new Client('ws://127.0.0.1:1', { observe: { frames: 1 } }), /no option "frames"/)
})
