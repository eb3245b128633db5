'use strict'

// What a client proves itself with, and what it does when it is refused.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { failure, gatewire, nextEvent, startServer, test } = require('./support.js')

const QUICK = { reconnectInitialMs: 10, reconnectMaxMs: 20 }

function open (t, server, options = {}) {
  const client = new gatewire.Client(server.url, { pins: server.pin, ...QUICK, ...options })
  t.after(() => client.close())
  return client
}

test('a paused client goes on with other credentials', async (t) => {
  const server = await startServer(t)
  const client = open(t, server, { token: 'wrong', pause: true })
  const [error, how] = await nextEvent(client, 'disconnected')
  assert.equal(error.gatewayCode, 'AUTH_TOKEN_MISMATCH')
  assert.equal(error.retryable, false)
  assert.deepEqual(how, { paused: true })
  assert.equal(client.state().phase, 'paused')
  client.setCredentials({ token: 'secret' })
  client.resume()
  await client.ready()
  assert.throws(() => client.resume(), { code: 'GW_ERR_STATE' })
  assert.throws(() => client.setCredentials({ tokens: 'x' }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => client.setCredentials({ token: 7 }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('without pause a wrong token is the end', async (t) => {
  const server = await startServer(t)
  const [error] = await nextEvent(open(t, server, { token: 'wrong' }), 'closed')
  assert.equal(error.gatewayCode, 'AUTH_TOKEN_MISMATCH')
})

test('credentials are asked for at each attempt, at once or later', async (t) => {
  const server = await startServer(t)
  const answers = [undefined, Promise.resolve(undefined), Promise.resolve({ token: 'secret' })]
  const client = open(t, server, { credentials: () => answers.shift() })
  const seen = []
  client.on('disconnected', (error, how) => seen.push([error.code, how.paused]))
  await client.ready()
  assert.deepEqual(seen, [['GW_ERR_CREDENTIALS', false], ['GW_ERR_CREDENTIALS', false]])
})

test('a question that nobody answers has a time limit', async (t) => {
  const server = await startServer(t)
  const options = { pins: server.pin, credentials: () => new Promise(() => {}), credentialsTimeoutMs: 50 }
  const error = await failure(gatewire.connect(server.url, options))
  assert.equal(error.code, 'GW_ERR_CREDENTIALS')
  assert.match(error.message, /50 ms/)
})

test('device identity and tokens lie in files of their own', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'gatewire-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const server = await startServer(t)
  const identityFile = path.join(directory, 'device.json')
  const tokenFile = path.join(directory, 'tokens.json')
  const client = open(t, server, { token: 'secret', identityFile, tokenFile, signatureVersion: 2 })
  await client.ready()
  assert.throws(() => open(t, server, { tokenFile }), { code: 'GW_ERR_ARGUMENT' })
  assert.throws(() => open(t, server, { identityFile, tokenFile: identityFile }), { code: 'GW_ERR_IDENTITY' })
})

test('what a client says of itself', async (t) => {
  const server = await startServer(t)
  const client = open(t, server, {
    token: 'secret', modelIdentifier: 'M1', commands: ['system.run'], permissions: { camera: true, screen: false }, pathEnv: '/bin'
  })
  await client.ready()
  for (const options of [{ timeZone: 'UTC' }, { role: 'root' }, { scopes: ['x'] }, { extraParams: { a: 1 } }]) {
    assert.throws(() => open(t, server, options), { code: 'GW_ERR_ARGUMENT' })
  }
  assert.throws(() => open(t, server, { permissions: { camera: 1 } }), { code: 'ERR_INVALID_ARG_TYPE' })
})
