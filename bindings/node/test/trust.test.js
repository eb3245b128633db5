'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const { failure, gatewire, nextEvent, startClient, startPair, startServer, test } = require('./support.js')

function temporaryDirectory (t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'gatewire-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  return directory
}

test('the pin of the gateway lets a client in, in every text form', async (t) => {
  const server = await startServer(t)
  assert.match(server.url, /^wss:\/\/127\.0\.0\.1:\d+/)
  assert.match(server.pin, /^[0-9a-f]{64}$/)
  const colons = server.pin.toUpperCase().match(/../g).join(':')
  for (const pins of [server.pin, [server.pin], colons, `sha256:${server.pin}`, ['0'.repeat(64), server.pin]]) {
    const client = await startClient(t, server, { pins })
    assert.equal(client.state().tls, true)
    assert.equal(client.hello.type, 'hello-ok')
  }
})

test('a wrong pin is refused with both fingerprints', async (t) => {
  const server = await startServer(t)
  server.on('peer', () => assert.fail('it was let in'))
  const error = await failure(startClient(t, server, { pins: 'ab'.repeat(32) }))
  assert.ok(error instanceof gatewire.PinError, String(error))
  assert.equal(error.code, 'GW_ERR_TLS_PIN')
  assert.equal(error.retryable, false)
  assert.match(JSON.stringify(error.seen), new RegExp(server.pin))
  assert.match(JSON.stringify(error.wanted), /abababab/)
})

test('without a pin a certificate that no CA has signed is refused', async (t) => {
  const server = await startServer(t)
  const error = await failure(startClient(t, server, { pins: undefined }))
  assert.ok(error instanceof gatewire.TlsError)
  assert.equal(error.code, 'GW_ERR_TLS_CHAIN')
})

test('the certificate of the gateway is a CA file for its clients', async (t) => {
  const server = await startServer(t)
  const caFile = path.join(temporaryDirectory(t), 'gateway.pem')
  fs.writeFileSync(caFile, server.certificate)
  const client = await startClient(t, server, { pins: undefined, caFile })
  assert.equal(client.state().tls, true)
})

test('a wrong token is refused with the code of the gateway', async (t) => {
  const server = await startServer(t)
  const error = await failure(startClient(t, server, { token: 'wrong' }))
  assert.ok(error instanceof gatewire.GatewayError, String(error))
  assert.equal(error.code, 'GW_ERR_CONNECT_REJECTED')
  assert.equal(error.gatewayCode, 'AUTH_TOKEN_MISMATCH')
  assert.equal(error.actor, 'user')
  assert.doesNotMatch(JSON.stringify(error) + error.message, /secret|"wrong"/)
})

test('plain ws:// leaves the machine only with permission', async () => {
  for (const url of ['ws://gateway.example', 'ws://192.0.2.1:18789']) {
    assert.throws(() => new gatewire.Client(url), { code: 'GW_ERR_PLAINTEXT', name: 'UsageError' })
  }
})

test('plain ws:// to this machine works, and a pin with it is refused', async (t) => {
  const server = await startServer(t, { plaintext: true })
  assert.equal(server.pin, undefined)
  assert.equal(server.certificate, undefined)
  const client = await startClient(t, server, { pins: undefined })
  assert.equal(client.state().tls, false)
  assert.throws(() => new gatewire.Client(server.url, { pins: 'ab'.repeat(32) }), { code: 'GW_ERR_PIN_TEXT' })
})

test('a device identity is made once and kept', async (t) => {
  const identityFile = path.join(temporaryDirectory(t), 'own', 'identity.json')
  const server = await startServer(t)
  const ids = []
  server.on('peer', (peer) => ids.push(peer.deviceId))
  for (let i = 0; i < 2; i++) await (await startClient(t, server, { identityFile })).close()
  assert.equal(fs.statSync(identityFile).mode & 0o777, 0o600)
  assert.equal(ids.length, 2)
  assert.equal(ids[0], ids[1])
})

test('a gateway that requires a device refuses a client without one', async (t) => {
  const server = await startServer(t, { requireDevice: true })
  const refused = nextEvent(server, 'peer-refused')
  const error = await failure(startClient(t, server, { device: false }))
  assert.equal(error.code, 'GW_ERR_CONNECT_REJECTED')
  assert.equal(error.gatewayCode, 'DEVICE_IDENTITY_REQUIRED')
  await refused
})

test('deflate is agreed on unless an end refuses it', async (t) => {
  const payload = { text: 'the same again and again; '.repeat(1000) }
  for (const [serverDeflate, clientDeflate, agreed] of [
    [true, true, true], ['takeover', 'takeover', true], [false, true, false], [true, false, false]
  ]) {
    const { server, client } = await startPair(t, {
      serverOptions: { deflate: serverDeflate }, clientOptions: { deflate: clientDeflate }
    })
    server.method('echo', (params) => params)
    assert.equal(client.state().deflate, agreed)
    for (let i = 0; i < 3; i++) assert.deepEqual(await client.call('echo', payload), payload)
  }
})

test('credentials are not shown', async (t) => {
  const { inspect } = require('node:util')
  const server = await startServer(t, { token: 'hunter2' })
  const client = await startClient(t, server, { token: 'hunter2' })
  for (const value of [client, server, client.hello, client.state()]) {
    assert.doesNotMatch(inspect(value, { showHidden: true, depth: 9 }), /hunter2/)
  }
})

test('the pin of the key lets a client in, which then says what TLS agreed on', async (t) => {
  const server = await startServer(t)
  const client = await startClient(t, server, { pins: `key:${server.keyPin}` })
  const { version, cipher, resumed, chain } = client.tls()
  assert.equal(version, 'TLSv1.3')
  assert.match(cipher, /^TLS_/)
  assert.equal(resumed, false)
  assert.equal(chain, server.certificate)
  client.setPins([server.pin, 'ab'.repeat(32)])
  assert.throws(() => client.setPins('no pin'), { code: 'GW_ERR_PIN_TEXT' })
  await client.close()
  assert.equal(client.tls(), undefined)
})

test('a pin is not enough where the CA counts too', async (t) => {
  const server = await startServer(t)
  const error = await failure(startClient(t, server, { trust: { mode: 'pin-and-ca' } }))
  assert.equal(error.code, 'GW_ERR_TLS_CHAIN')
})

test('a first use is asked about, and only true lets it in', async (t) => {
  const server = await startServer(t)
  const asked = []
  const ask = async (request) => asked.push(request.details.seenKey[0]) > 0
  const client = await startClient(t, server, { pins: undefined, trust: { mode: 'pin', ask } })
  assert.equal(client.hello.type, 'hello-ok')
  assert.deepEqual(asked, [server.keyPin])
  for (const answer of [false, undefined, 1, 'yes']) {
    const error = await failure(startClient(t, server, { pins: undefined, trust: { mode: 'pin', ask: () => answer } }))
    assert.equal(error.code, 'GW_ERR_TLS_REFUSED')
  }
})

test('a WebSocket asks as well', async (t) => {
  const server = await startServer(t)
  const socket = new gatewire.WebSocket(server.url, [], { trust: { mode: 'pin', ask: () => true } })
  t.after(() => socket.close())
  await socket.opened()
  assert.equal(socket.tls().version, 'TLSv1.3')
})

test('both ends of a WebSocket tell what TLS agreed on', async (t) => {
  const server = new gatewire.WebSocketServer({ port: 0 })
  t.after(() => server.close())
  const told = new Promise((resolve) => server.on('connection', (socket) => resolve(socket.tls())))
  const socket = new gatewire.WebSocket(server.url, [], { pins: [`key:${server.keyPin}`] })
  t.after(() => socket.close())
  await socket.opened()
  const { cipher, chain } = await told
  assert.equal(cipher, socket.tls().cipher)
  assert.equal(chain, '')
  assert.match(socket.tls().chain, /BEGIN CERTIFICATE/)
})

test('options of trust are checked for their names and values', () => {
  const open = (trust) => () => new gatewire.Client('wss://127.0.0.1:1', { trust })
  assert.throws(open({ mode: 'blind' }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(open({ minVersion: '1.1' }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(open({ modes: 'pin' }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(open({ ask: true }), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(open({ sni: true }), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(open({ mode: 'pin' }), { code: 'GW_ERR_ARGUMENT' })
})

test('pins of all kinds are read', () => {
  const hex = 'ab'.repeat(32)
  assert.equal(gatewire.readPin(hex), `cert:${hex}`)
  assert.equal(gatewire.readPin(`spki:${hex}`), `key:${hex}`)
  assert.equal(gatewire.readPin(`ca-key:${hex.toUpperCase()}`), `ca-key:${hex}`)
  assert.throws(() => gatewire.readPin('key:ab'), { code: 'GW_ERR_PIN_TEXT' })
  assert.throws(() => gatewire.normalizePin(`key:${hex}`), { code: 'GW_ERR_PIN_TEXT' })
})
