'use strict'

// WebSocket against the server of Node's `ws`.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const os = require('node:os')
const path = require('node:path')
const { X509Certificate } = require('node:crypto')

const { failure, gatewire, nextEvent } = require('./support.js')
const { check, ws } = require('./ws-support.js')

async function listening (t, server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return server.address().port
}

/** A ws server; its URL. */
async function startWs (t, options = {}, onConnection = () => {}) {
  const { certificate, onRequest, ...rest } = options
  const server = certificate === undefined ? http.createServer(onRequest) : https.createServer(certificate)
  const wss = new ws.WebSocketServer({ server, ...rest })
  wss.on('connection', onConnection)
  t.after(() => wss.clients.forEach((client) => client.terminate()))
  return `ws${certificate === undefined ? '' : 's'}://127.0.0.1:${await listening(t, server)}`
}

function open (t, url, protocols, options) {
  const socket = new gatewire.WebSocket(url, protocols, options)
  t.after(() => socket.close())
  return socket
}

function echo (socket) {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
}

function makeCertificate (t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'gatewire-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const [keyFile, certificateFile] = ['key.pem', 'certificate.pem'].map((name) => path.join(directory, name))
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=test',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certificateFile
  ], { stdio: 'ignore' })
  const cert = fs.readFileSync(certificateFile)
  const pin = new X509Certificate(cert).fingerprint256
  return { key: fs.readFileSync(keyFile), cert, certificateFile, pin }
}

for (const perMessageDeflate of [true, false]) {
  check(`text and bytes of every size come back ${perMessageDeflate ? 'with' : 'without'} deflate`, async (t) => {
    const url = await startWs(t, { perMessageDeflate: perMessageDeflate && { threshold: 0 } }, echo)
    const socket = open(t, url, [], { perMessageDeflate })
    await socket.opened()
    assert.equal(socket.extensions, perMessageDeflate ? 'permessage-deflate' : '')
    const messages = socket.messages()
    for (const size of [0, 1, 125, 126, 65535, 65536, 300000]) {
      const text = 'ä'.repeat(size / 2) + 'x'.repeat(size % 2)
      const bytes = Buffer.from(Array.from({ length: size }, (_, i) => i * 7))
      socket.send(text)
      socket.send(bytes)
      assert.equal((await messages.next()).value === text, true)
      assert.equal(bytes.equals((await messages.next()).value), true)
    }
  })
}

check('the kinds of data are those of ws', async (t) => {
  const socket = open(t, await startWs(t, {}, echo))
  await socket.opened()
  const messages = socket.messages()
  const words = new Uint16Array([0x0102, 0x0304]).subarray(1)
  socket.send(5)
  socket.send(words)
  socket.send(words.buffer)
  socket.send(new DataView(words.buffer, 1, 2))
  socket.send(Buffer.from('grüße'), { binary: false })
  socket.send('bytes', { binary: true })
  const received = []
  for (let i = 0; i < 6; i++) received.push((await messages.next()).value)
  const [four, one] = [Buffer.from(words.buffer), Buffer.from(words.buffer, 2, 2)]
  assert.deepEqual(received, ['5', one, four, four.subarray(1, 3), 'grüße', Buffer.from('bytes')])
})

check('parts arrive as one message, and fragments are one message (RFC 6455 section 5.4)', async (t) => {
  const arrived = []
  const url = await startWs(t, {}, (peer) => {
    peer.on('message', (data, isBinary) => {
      arrived.push([String(data), isBinary])
      peer.send('one ', { fin: false })
      peer.ping()
      peer.send('message', { fin: true })
    })
  })
  const socket = open(t, url)
  await socket.opened()
  const answer = nextEvent(socket, 'message')
  socket.send('a', { fin: false })
  socket.ping()
  socket.send('b', { fin: false })
  assert.throws(() => socket.send(Buffer.from('x')), { code: 'GW_ERR_STATE', message: /other kind/ })
  socket.send('')
  assert.equal(String((await answer)[0]), 'one message')
  assert.deepEqual(arrived, [['ab', false]])
})

check('pings are answered and told, in both directions (section 5.5.2)', async (t) => {
  let answered
  const ponged = new Promise((resolve) => { answered = resolve })
  const url = await startWs(t, {}, (peer) => {
    peer.on('pong', (data) => answered(String(data)))
    peer.ping('from ws')
  })
  const socket = open(t, url)
  const pinged = nextEvent(socket, 'ping')
  assert.equal(String((await pinged)[0]), 'from ws')
  assert.equal(await ponged, 'from ws')
  const pong = nextEvent(socket, 'pong')
  socket.ping('from us')
  assert.equal(String((await pong)[0]), 'from us')
  assert.throws(() => socket.ping('x'.repeat(126)), { code: 'GW_ERR_ARGUMENT', message: /125 bytes.*126/ })
})

check('close codes and reasons pass in both directions (section 7.1.5)', async (t) => {
  const ends = []
  let told = () => {}
  const url = await startWs(t, {}, (peer) => {
    peer.on('message', (data) => data.length > 0 ? peer.close(Number(data), 'because') : peer.terminate())
    peer.on('close', (code, reason) => {
      ends.push([code, String(reason)])
      told()
    })
  })
  const first = open(t, url)
  await first.opened()
  const gone = new Promise((resolve) => { told = resolve })
  const end = await first.close(4001, Buffer.from('grüße'))
  assert.deepEqual(end, { code: 4001, reason: 'grüße', wasClean: true, isPeerFirst: false, error: null })
  await gone
  assert.deepEqual(ends, [[4001, 'grüße']])

  const second = open(t, url)
  await second.opened()
  second.send('4002')
  const [code, reason] = await nextEvent(second, 'close')
  assert.deepEqual([code, String(reason), second.wasClean, second.readyState], [4002, 'because', true, second.CLOSED])
  const { error, isPeerFirst } = await second.closed()
  assert.equal(isPeerFirst, true)
  assert.deepEqual([error.code, error.closeCode, error.closeReason], ['GW_ERR_CLOSED', 4002, 'because'])

  const third = open(t, url)
  await third.opened()
  third.on('error', assert.fail)
  third.send('')
  assert.equal((await nextEvent(third, 'close'))[0], 1006)
  assert.equal((await third.closed()).error.code, 'GW_ERR_LOST')
})

check('the request has the headers, the origin and the subprotocols (section 4.1)', async (t) => {
  let asked
  const options = { handleProtocols: (offered) => [...offered][1] }
  const url = await startWs(t, options, (peer, request) => { asked = request })
  const socket = open(t, `${url}/path?query`, ['first', 'second'], {
    origin: 'https://example.org', headers: { 'X-One': '1', Cookie: 'a=b' }
  })
  await socket.opened()
  assert.equal(socket.protocol, 'second')
  assert.equal(asked.url, '/path?query')
  assert.equal(asked.headers.origin, 'https://example.org')
  assert.equal(asked.headers['x-one'], '1')
  assert.equal(asked.headers['sec-websocket-protocol'], 'first, second')
})

check('a subprotocol that is required and not chosen is refused', async (t) => {
  const url = await startWs(t, { handleProtocols: () => false })
  const error = await failure(open(t, url, 'chat', { requireProtocol: true }).opened())
  assert.ok(error instanceof gatewire.UpgradeError, String(error))
})

check('a refused upgrade has its status, headers and body (section 4.2.2)', async (t) => {
  const server = http.createServer()
  server.on('upgrade', (request, socket) => socket.end(
    'HTTP/1.1 403 Forbidden\r\nX-Why: rule\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 7\r\n\r\nnot you'))
  const url = `ws://127.0.0.1:${await listening(t, server)}`
  const error = await failure(open(t, url).opened())
  assert.ok(error instanceof gatewire.UpgradeError)
  assert.deepEqual([error.code, error.httpStatus, error.details.body], ['GW_ERR_UPGRADE_REFUSED', 403, 'not you'])

  const socket = open(t, url)
  socket.on('error', assert.fail)
  const closed = nextEvent(socket, 'close')
  const [request, response] = await nextEvent(socket, 'unexpected-response')
  assert.equal(request.url, url)
  assert.deepEqual([response.statusCode, response.statusMessage, response.body], [403, 'Forbidden', 'not you'])
  assert.equal(response.headers['x-why'], 'rule')
  assert.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2'])
  assert.deepEqual(response.rawHeaders.slice(0, 2), ['X-Why', 'rule'])
  assert.equal((await closed)[0], 1006)
})

check('the answer of a server is told before the opening', async (t) => {
  const socket = open(t, await startWs(t))
  const order = []
  socket.on('upgrade', ({ statusCode, headers }) => order.push(statusCode, headers.upgrade))
  socket.on('open', () => order.push('open'))
  await nextEvent(socket, 'open')
  assert.deepEqual(order, [101, 'websocket', 'open'])
})

check('redirects are followed as far as is allowed', async (t) => {
  const target = await startWs(t, {}, echo)
  const server = http.createServer()
  server.on('upgrade', ({ url }, socket) => {
    const location = url === '/one' ? '/two' : `${target}/end`
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`)
  })
  const url = `ws://127.0.0.1:${await listening(t, server)}/one`
  const socket = open(t, url, { maxRedirects: 2 })
  await socket.opened()
  assert.equal(socket.url, `${target}/end`)
  for (const options of [{}, { maxRedirects: 1 }]) {
    const error = await failure(open(t, url, options).opened())
    assert.equal(error.httpStatus, 302, String(error))
  }
  assert.throws(() => open(t, url, { maxRedirects: 21 }), { code: 'GW_ERR_ARGUMENT', message: /21.*20/ })
})

check('the CA file or the pin lets a certificate in, and a wrong pin does not', async (t) => {
  const certificate = makeCertificate(t)
  const url = await startWs(t, { certificate }, echo)
  for (const options of [{ caFile: certificate.certificateFile }, { pins: certificate.pin }]) {
    const socket = open(t, url, options)
    await socket.opened()
    assert.equal(socket.state().tls, true)
    assert.equal((await socket.close()).error, null)
  }
  assert.equal((await failure(open(t, url).opened())).code, 'GW_ERR_TLS_CHAIN')
  const caFile = certificate.certificateFile
  assert.equal((await failure(open(t, url, { caFile, servername: 'other.example' }).opened())).code, 'GW_ERR_TLS_NAME')
  const error = await failure(open(t, url, { pins: 'ab'.repeat(32) }).opened())
  assert.ok(error instanceof gatewire.PinError)
  assert.match(JSON.stringify(error.wanted), /abab/)
})

check('what a server does wrong is an error with its rule, and 1006', async (t) => {
  const url = await startWs(t, {}, (peer) => peer._socket.write(Buffer.from([0x83, 0x00])))
  const socket = open(t, url)
  const [error] = await nextEvent(socket, 'error')
  assert.ok(error instanceof gatewire.WebSocketError)
  assert.equal(error.code, 'GW_ERR_PROTOCOL')
  assert.equal((await socket.closed()).error, error)
  assert.equal(socket.readyState, gatewire.WebSocket.CLOSED)
})

check('a message above maxPayload ends the connection with 1009 (section 7.4.1)', async (t) => {
  let end
  const ended = new Promise((resolve) => { end = resolve })
  const url = await startWs(t, {}, (peer) => {
    peer.on('close', end)
    peer.send('x'.repeat(1001))
  })
  const socket = open(t, url, { maxPayload: 1000 })
  const [error] = await nextEvent(socket, 'error')
  assert.equal(error.code, 'GW_ERR_TOO_BIG')
  assert.match(error.message, /1001.*1000|1000.*1001/)
  assert.equal(await ended, 1009)
})

check('a handshake that takes too long is given up', async (t) => {
  const server = http.createServer()
  const sockets = []
  server.on('upgrade', (request, socket) => sockets.push(socket))
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  const url = `ws://127.0.0.1:${await listening(t, server)}`
  assert.equal((await failure(open(t, url, { handshakeTimeout: 50 }).opened())).code, 'GW_ERR_UPGRADE_TIMEOUT')
})
