'use strict'

// GoClaw's dialect at both ends: token, keys, pairing, streaming.

const assert = require('node:assert/strict')

const { failure, gatewire, nextEvent, test } = require('./support.js')

const { Client, Server } = gatewire

const TOKEN = 'gw-secret'

async function startServer (t, goclaw = {}) {
  const server = new Server({ dialect: 'goclaw', plaintext: true, token: TOKEN, goclaw })
  t.after(() => server.stop())
  return server
}

function startClient (t, server, options) {
  const client = new Client(server.url, { dialect: 'goclaw', ...options })
  t.after(() => client.close())
  return client
}

test('a token and a key let in, and chat.send streams', async (t) => {
  const server = await startServer(t, { keys: [{ key: 'goclaw_a', scopes: ['operator.read'], userId: 'ann' }] })
  const client = startClient(t, server, { token: TOKEN, goclaw: { userId: 'system' } })
  const [hello] = await nextEvent(client, 'connected')
  assert.deepEqual([hello.role, hello.is_owner], ['owner', true])
  const types = []
  client.on('event:agent', ({ type }) => types.push(type))
  assert.equal((await client.call('chat.send', { message: 'hi' })).content, 'You said: hi')
  assert.deepEqual([types[0], types.at(-1)], ['run.started', 'run.completed'])
  const viewer = startClient(t, server, { token: 'goclaw_a' })
  assert.equal((await nextEvent(viewer, 'connected'))[0].user_id, 'ann')
  assert.equal((await failure(viewer.call('chat.send', { message: 'hi' }))).gatewayCode, 'UNAUTHORIZED')
})

test('pairing shows a code, and the sender id lets in once it was approved', async (t) => {
  const server = await startServer(t)
  const admin = startClient(t, server, { token: TOKEN, goclaw: { userId: 'root' } })
  await nextEvent(admin, 'connected')
  const client = startClient(t, server, { goclaw: { userId: 'alice' } })
  const [requested] = await nextEvent(client, 'pairing')
  assert.equal(requested.state, 'requested')
  const connected = nextEvent(client, 'connected')
  const approved = nextEvent(client, 'pairing')
  await admin.call('device.pair.approve', { code: requested.code })
  assert.deepEqual((await approved)[0].senderId, requested.senderId)
  assert.equal((await connected)[0].role, 'operator')
})

test('options of the dialect are checked by name and value', () => {
  const made = (options) => () => new Client('ws://127.0.0.1:1/ws', options)
  assert.throws(made({ dialect: 'clawd' }), /dialect must be 'openclaw' or 'goclaw' or 'detect'/)
  assert.throws(made({ dialect: 'goclaw', goclaw: { user: 'a' } }), /there is no option "user"/)
  assert.throws(() => new Server({ dialect: 'detect' }), /dialect must be/)
  assert.throws(() => new Server({ dialect: 'goclaw', goclaw: { keys: [{ k: 1 }] } }), /there is no option "k"/)
})
