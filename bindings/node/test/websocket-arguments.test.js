'use strict'

// Bad arguments of WebSockets: each is refused by name, and nothing crashes.

const assert = require('node:assert/strict')

const { failure, gatewire, openWebSockets, test } = require('./support.js')

const { WebSocket, WebSocketServer } = gatewire
const URL_TEXT = 'ws://127.0.0.1:9'

test('a wrong URL is refused', () => {
  for (const url of [undefined, null, 5, {}, ['ws://x'], Symbol('s')]) {
    assert.throws(() => new WebSocket(url), { name: 'TypeError', message: /url must be a string or a URL/ })
  }
  for (const url of ['x', 'ftp://x', 'ws://', 'ws+unix:/tmp/x']) {
    assert.throws(() => new WebSocket(url), { code: 'GW_ERR_URL' }, url)
  }
  assert.throws(() => new WebSocket('ws://gateway.example'), { code: 'GW_ERR_PLAINTEXT' })
  assert.throws(() => new WebSocket(URL_TEXT, { pins: 'ab'.repeat(32) }), { code: 'GW_ERR_PIN_TEXT' })
  assert.throws(() => new WebSocket('wss://x', { pins: 'no pin' }), { code: 'GW_ERR_PIN_TEXT' })
  assert.throws(() => new WebSocket('wss://x', { caFile: '/does/not/exist' }), { code: 'GW_ERR_CERTIFICATE' })
})

test('wrong subprotocols are refused (RFC 6455 section 4.1)', () => {
  assert.throws(() => new WebSocket(URL_TEXT, 5), { message: /protocols must be a string or an array of .*, not 5/ })
  assert.throws(() => new WebSocket(URL_TEXT, [5]), { message: /protocols\[0\] must be a string/ })
  for (const protocols of ['', 'a b', ['a', 'a']]) {
    assert.throws(() => new WebSocket(URL_TEXT, protocols), { code: 'GW_ERR_ARGUMENT' }, String(protocols))
  }
})

test('a wrong option is refused with its name, what is expected and what was given', () => {
  const cases = [
    [{ maxPayload: 0 }, 'RangeError', /maxPayload must be a whole number above 0, not 0/],
    [{ maxPayload: '5' }, 'TypeError', /maxPayload must be .*, not a string/],
    [{ handshakeTimeout: -1 }, 'RangeError', /handshakeTimeout must be .*milliseconds.*, not -1/],
    [{ pins: [] }, 'TypeError', /pins must not be empty/],
    [{ origin: 5 }, 'TypeError', /origin must be a string, not 5/],
    [{ headers: { A: 1 } }, 'TypeError', /headers\["A"\] must be a string/],
    [{ plaintext: true }, 'TypeError', /plaintext must be 'loopback' or 'private' or 'any', not true/],
    [{ requireProtocol: 1 }, 'TypeError', /requireProtocol must be false or true, not 1/],
    [{ perMessageDeflate: 'yes' }, 'TypeError', /perMessageDeflate must be a boolean or an object/],
    [{ perMessageDeflate: { level: 5 } }, 'TypeError', /perMessageDeflate: there is no option "level"; .*threshold/],
    [{ perMessageDeflate: { threshold: 0 } }, 'RangeError', /threshold must be a whole number above 0/],
    [{ perMessageDeflate: { zlibDeflateOptions: { windowBits: 9 } } }, 'TypeError', /"windowBits"; .*level, memLevel/],
    [{ protocols: ['a'] }, 'TypeError', /no option "protocols"/],
    [{ pingInterval: 5 }, 'TypeError', /no option "pingInterval"; the options are .*pingIntervalMs/]
  ]
  for (const [options, name, message] of cases) {
    assert.throws(() => new WebSocket(URL_TEXT, options), { name, message }, JSON.stringify(options))
    assert.throws(() => new WebSocket(URL_TEXT, [], options), { name, message })
  }
  for (const options of [null, 5, 'x']) {
    assert.throws(() => new WebSocket(URL_TEXT, [], options), { message: /options must be an object/ })
    assert.throws(() => new WebSocketServer(options), { message: /options must be an object/ })
  }
  assert.throws(() => new WebSocket(URL_TEXT, { headers: { 'Sec-WebSocket-Key': 'x' } }), { code: 'GW_ERR_ARGUMENT' })
  assert.throws(() => new WebSocket(URL_TEXT, { perMessageDeflate: { clientMaxWindowBits: 16 } }), {
    code: 'GW_ERR_ARGUMENT', message: /client_max_window_bits is 16/
  })
  assert.throws(() => new WebSocket(URL_TEXT, { lowWaterBytes: 10, highWaterBytes: 5 }), { code: 'GW_ERR_ARGUMENT' })
})

test('an option of ws that the library does not have is refused with what there is instead', () => {
  const client = {
    agent: {}, auth: 'a:b', ca: 'x', followRedirects: true, generateMask () {}, protocolVersion: 8,
    rejectUnauthorized: false, skipUTF8Validation: true
  }
  for (const [name, value] of Object.entries(client)) {
    assert.throws(() => new WebSocket(URL_TEXT, { [name]: value }), {
      name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: new RegExp(`no option "${name}"; (?!the options)`)
    })
  }
  const server = { server: {}, noServer: true, path: '/x', backlog: 5, cert: 'x', key: 'x', WebSocket }
  for (const [name, value] of Object.entries(server)) {
    assert.throws(() => new WebSocketServer({ [name]: value }), {
      name: 'TypeError', message: new RegExp(`no option "${name}"; (?!the options)`)
    })
  }
  assert.throws(() => new WebSocketServer({ perMessageDeflate: { concurrencyLimit: 5 } }), {
    message: /no option "concurrencyLimit"; compression is/
  })
})

test('a wrong option of a server is refused', () => {
  const cases = [
    [{ port: 65536 }, /port number from 0 to 65535/],
    [{ port: '80' }, /port must be .*, not a string/],
    [{ verifyClient: true }, /verifyClient must be a function, not true/],
    [{ handleProtocols: 'a' }, /handleProtocols must be a function/],
    [{ clientTracking: 1 }, /clientTracking must be a boolean, not 1/],
    [{ plaintext: 'any' }, /plaintext must be false or true, not 'any'/],
    [{ host: 'localhost' }, /literal address/],
    [{ host: '0.0.0.0', plaintext: true }, /loopback/],
    [{ protocols: ['a b'] }, /subprotocol/],
    [{ certificateFile: '/does/not/exist', keyFile: '/does/not/exist' }, /exist/]
  ]
  for (const [options, message] of cases) assert.throws(() => new WebSocketServer(options), { message })
  assert.throws(() => new WebSocketServer({}, 5), { message: /callback must be a function/ })
})

test('wrong arguments of the functions are refused by name, and the connection goes on', async (t) => {
  const { client, peer, server } = await openWebSockets(t)
  const cases = [
    [() => client.send(), /send: data must be a string, a number, an ArrayBuffer or a view of one, not a undefined/],
    [() => client.send(null), /send: data must be .*, not null/],
    [() => client.send({}), /send: data must be .*, not an object/],
    [() => client.send('x', 5), /send: options must be an object, not 5/],
    [() => client.send('x', null), /send: options must be an object, not null/],
    [() => client.send('x', { bin: true }), /no option "bin"; the options are binary, compress, fin/],
    [() => client.send('x', { mask: false }), /no option "mask"; clients always mask/],
    [() => client.send('x', { binary: 1 }), /binary must be a boolean, not 1/],
    [() => client.send('x', { compress: 'no' }), /compress must be a boolean/],
    [() => client.send('x', { fin: 0 }), /fin must be a boolean/],
    [() => client.send('x', {}, 5), /cb must be a function/],
    [() => client.ping({}), /ping: data must be/],
    [() => client.ping('x', true), /mask must be left out/],
    [() => client.ping('x', undefined, 5), /cb must be a function/],
    [() => client.close('1000'), /close: code must be a close code from 1000 to 4999/],
    [() => client.close(999), /from 1000 to 4999, not 999/],
    [() => client.close(1005), /close code 1005 must not be sent/],
    [() => client.close(1000, 'ü'.repeat(62)), /124 bytes, the limit is 123/],
    [() => client.close(1000, 5), /reason must be a string/],
    [() => peer.close(1010), /1010 is for clients only/],
    [() => client.messages(5), /options must be an object/],
    [() => client.messages({ limit: 0 }), /limit must be a whole number above 0/],
    [() => { client.binaryType = 'blob' }, /binaryType must be 'nodebuffer' or 'arraybuffer', not 'blob'/],
    [() => { client.binaryType = 'fragments' }, /not 'fragments'/],
    [() => client.addEventListener('ping', () => {}), /type must be one of open, message, close, error/],
    [() => client.addEventListener('open', 5), /listener must be a function or an object with handleEvent, not 5/],
    [() => server.close(5), /cb must be a function/]
  ]
  for (const [call, message] of cases) assert.throws(call, { message }, String(call))
  assert.match(String(await failure(client.sent({}))), /send: data must be/)
  assert.equal(client.readyState, client.OPEN)
  await client.sent('still here')
})

test('what the library does not offer says so', async (t) => {
  const { client } = await openWebSockets(t)
  assert.throws(() => client.pong(), { code: 'GW_ERR_UNSUPPORTED', message: /^pong: the library/ })
})
