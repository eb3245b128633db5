'use strict'

// Node's `ws` as a client of the embedded gateway.

const assert = require('node:assert/strict')

const { Device, WsClient } = require('../../../Tests/Peers/ws_client.js')
const { nextEvent, startClient, startServer } = require('./support.js')
const { check } = require('./ws-support.js')

async function startPeer (t, options = {}) {
  const { perMessageDeflate = false, ...serverOptions } = options
  const server = await startServer(t, serverOptions)
  return { server, peer: await openPeer(t, server, { perMessageDeflate }) }
}

async function openPeer (t, server, options = {}) {
  const peer = new WsClient(server.url, { ca: server.certificate, ...options })
  t.after(() => peer.socket.terminate())
  await peer.opened()
  return peer
}

check('ws connects with a certificate of ours and a signature of node:crypto', async (t) => {
  const { server, peer } = await startPeer(t)
  const device = new Device()
  const arrived = nextEvent(server, 'peer')
  const hello = await peer.connect({ device, token: 'secret' })
  assert.equal(hello.ok, true, JSON.stringify(hello))
  assert.equal(hello.payload.type, 'hello-ok')
  assert.deepEqual(hello.payload.auth.scopes, ['operator.read', 'operator.write'])
  assert.equal((await arrived)[0].deviceId, device.id)
  const health = await peer.request('health')
  assert.equal(health.ok, true)
  const { code } = await peer.close()
  assert.equal(code, 1005)
})

for (const perMessageDeflate of [true, false]) {
  check(`calls and events pass ${perMessageDeflate ? 'with' : 'without'} permessage-deflate`, async (t) => {
    const { server, peer } = await startPeer(t, { perMessageDeflate: perMessageDeflate && { threshold: 0 } })
    assert.equal(peer.socket.extensions.includes('permessage-deflate'), perMessageDeflate)
    await peer.connect({ token: 'secret' })
    server.method('echo', (params) => params)
    for (const text of ['', 'short', 'ü'.repeat(5000), 'long and dull '.repeat(20000)]) {
      const answer = await peer.request('echo', { text })
      assert.equal(answer.payload.text === text, true)
    }
    const pushed = nextEvent(peer, 'event')
    server.push('news', { text: 'x'.repeat(10000) })
    const [frame] = await pushed
    assert.equal(frame.event, 'news')
    assert.equal(frame.payload.text.length, 10000)
  })
}

check('a message in fragments is one message', async (t) => {
  const { server, peer } = await startPeer(t)
  await peer.connect({ token: 'secret' })
  server.method('echo', (params) => params)
  const answered = nextEvent(peer.socket, 'message')
  const frame = JSON.stringify({ type: 'req', id: 'f', method: 'echo', params: { text: 'größe' } })
  const bytes = Buffer.from(frame)
  for (let at = 0; at < bytes.length; at += 7) {
    peer.socket.send(bytes.subarray(at, at + 7), { binary: false, fin: at + 7 >= bytes.length })
    peer.socket.ping()
  }
  assert.deepEqual(JSON.parse((await answered)[0]).payload, { text: 'größe' })
})

check('a chat is streamed to its end', async (t) => {
  const { peer } = await startPeer(t)
  await peer.connect({ token: 'secret' })
  const frames = []
  const ended = new Promise((resolve) => peer.on('event', (frame) => {
    frames.push(frame)
    if (frame.event === 'chat' && frame.payload.state === 'final') resolve()
  }))
  const params = { sessionKey: 'main', message: 'hello', idempotencyKey: 'k' }
  assert.equal((await peer.request('chat.send', params)).ok, true)
  await ended
  const sequence = frames.filter(({ seq }) => seq !== undefined).map(({ seq }) => seq)
  sequence.forEach((seq, i) => assert.equal(seq, sequence[0] + i))
})

/** A client that breaks a rule is closed with this code, and the gateway goes on for others. */
function breaks (name, code, act, { connected = true, reason } = {}) {
  check(`${name} closes with ${code}`, async (t) => {
    const { server, peer } = await startPeer(t)
    if (connected) assert.equal((await peer.connect({ token: 'secret' })).ok, true)
    await act(peer)
    const closed = await peer.closed
    assert.equal(closed.code, code, closed.reason)
    if (reason !== undefined) assert.equal(closed.reason, reason)
    assert.equal(typeof await (await startClient(t, server)).call('health'), 'object')
  })
}

/** A client frame with a mask of zeros: RFC 6455 section 5.2. */
function masked (first, payload) {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)])
}

const unmasked = Buffer.from([0x81, 0x02, 0x7b, 0x7d])
breaks('a frame without mask (RFC 6455 section 5.1)', 1002, (peer) => peer.writeRaw(unmasked))
breaks('a reserved opcode (section 5.2)', 1002, (peer) => peer.writeRaw(masked(0x83, [])))
breaks('a reserved bit (section 5.2)', 1002, (peer) => peer.writeRaw(masked(0xa1, [])))
breaks('a continuation of nothing (section 5.4)', 1002, (peer) => peer.writeRaw(masked(0x80, [])))
breaks('a fragmented ping (section 5.5)', 1002, (peer) => peer.writeRaw(masked(0x09, [])))
breaks('a close frame of one byte (section 5.5.1)', 1002, (peer) => peer.writeRaw(masked(0x88, [3])))
breaks('a close code not for the wire (section 7.4.1)', 1002, (peer) => peer.writeRaw(masked(0x88, [0x03, 0xed])))
breaks('text that is not UTF-8 (section 8.1)', 1007, (peer) => peer.writeRaw(masked(0x81, [0xc0, 0x80])))
breaks('a first message above 64 KiB', 1009, (peer) => peer.socket.send('x'.repeat(65537)), { connected: false })
breaks('a first message that is not JSON', 1000, (peer) => peer.socket.send('{"type":'), {
  connected: false, reason: ''
})
breaks('a first message that is no request', 1008, (peer) => peer.socket.send('{"type":"event"}'), {
  connected: false, reason: 'invalid request frame'
})
breaks('a first request that is not connect', 1008, (peer) => peer.request('health').catch(() => {}), {
  connected: false, reason: 'invalid handshake: first request must be connect'
})

/** A connect request that the gateway answers with a refusal. */
function refuses (name, detailCode, options) {
  check(`${name} is refused with ${detailCode}`, async (t) => {
    const { server, peer } = await startPeer(t)
    server.on('peer', () => assert.fail('it was let in'))
    const answer = await peer.connect({ token: 'secret', ...options })
    assert.equal(answer.ok, false)
    assert.equal(answer.error.details?.code, detailCode, JSON.stringify(answer))
    assert.equal((await peer.closed).code, 1008)
  })
}

function changeDevice (change) {
  return { change: (params) => ({ ...params, device: { ...params.device, ...change(params.device) } }) }
}

refuses('a wrong token', 'AUTH_TOKEN_MISMATCH', { token: 'wrong' })
refuses('no token', 'AUTH_TOKEN_MISSING', { token: undefined })
refuses('a signature by another key', 'DEVICE_AUTH_SIGNATURE_INVALID', changeDevice(({ nonce }) => {
  const client = { id: 'gateway-client', mode: 'backend', platform: 'linux' }
  const facts = { client, role: 'operator', scopes: [], token: 'secret', nonce, signedAt: Date.now() }
  return { signature: new Device().prove(facts).signature }
}))
refuses('a signature over other scopes', 'DEVICE_AUTH_SIGNATURE_INVALID', {
  change: (params) => ({ ...params, scopes: ['operator.admin'] })
})
refuses('another nonce', 'DEVICE_AUTH_NONCE_MISMATCH', changeDevice(() => ({ nonce: 'x' })))
refuses('an id of another device', 'DEVICE_AUTH_DEVICE_ID_MISMATCH', changeDevice(() => ({ id: '0'.repeat(64) })))
refuses('an old signature', 'DEVICE_AUTH_SIGNATURE_EXPIRED', changeDevice(({ signedAt }) => {
  return { signedAt: signedAt - 200_000 }
}))

check('a connect request with a member that nobody knows is refused', async (t) => {
  const { peer } = await startPeer(t)
  const answer = await peer.connect({ token: 'secret', change: (params) => ({ ...params, extra: 1 }) })
  assert.equal(answer.ok, false)
  assert.equal(answer.error.code, 'INVALID_REQUEST')
  assert.match(answer.error.message, /^invalid connect params/)
  assert.equal((await peer.closed).code, 1008)
})

check('a gateway that stops tells its clients and closes with 1012', async (t) => {
  const { server, peer } = await startPeer(t)
  await peer.connect({ token: 'secret' })
  const told = nextEvent(peer, 'event')
  await server.stop()
  assert.equal((await told)[0].event, 'shutdown')
  assert.equal((await peer.closed).code, 1012)
})
