'use strict'

// Bad arguments of everything: each is refused by name, and nothing crashes.

const assert = require('node:assert/strict')

const { failure, gatewire, startPair, startServer, test } = require('./support.js')

const { Client, Server, RpcError } = gatewire
const URL_TEXT = 'ws://127.0.0.1:9'

test('a misspelt option is refused by name, with the options that there are', async () => {
  assert.throws(() => new Client(URL_TEXT, { tokne: 'x' }), {
    name: 'TypeError', message: /no option "tokne"; the options are .*\btoken\b/
  })
  assert.throws(() => new Server({ Port: 1 }), { name: 'TypeError', message: /no option "Port".*\bport\b/ })
  assert.match((await failure(gatewire.connect(URL_TEXT, { pin: 'x' }))).message, /no option "pin"; .*\bpins\b/)
  assert.match((await failure(gatewire.serve({ tokens: 'x' }))).message, /no option "tokens"/)
})

test('a wrong type is refused with the option, what is expected and what was given', () => {
  const cases = [
    [{ token: 5 }, 'TypeError', /token must be a string, not 5/],
    [{ token: null }, 'TypeError', /token must be a string, not null/],
    [{ token: 'a\0b' }, 'RangeError', /token must be text without NUL/],
    [{ pins: 7 }, 'TypeError', /pins must be a string or an array of strings, not 7/],
    [{ pins: ['ab', undefined] }, 'TypeError', /pins\[1\] must be a string, not a undefined/],
    [{ pins: [] }, 'TypeError', /pins must not be empty/],
    [{ scopes: { read: true } }, 'TypeError', /scopes must be .*, not an object \(Object\)/],
    [{ callTimeoutMs: '5' }, 'TypeError', /callTimeoutMs must be a whole number of milliseconds.*, not a string/],
    [{ callTimeoutMs: 0 }, 'RangeError', /callTimeoutMs must be .* above 0, or Infinity, not 0/],
    [{ callTimeoutMs: -1 }, 'RangeError', /not -1/],
    [{ callTimeoutMs: 1.5 }, 'RangeError', /not 1\.5/],
    [{ callTimeoutMs: NaN }, 'RangeError', /not NaN/],
    [{ callTimeoutMs: 2 ** 32 }, 'RangeError', /not 4294967296/],
    [{ maxCalls: Infinity }, 'RangeError', /maxCalls must be a whole number above 0, not Infinity/],
    [{ headers: 'A: b' }, 'TypeError', /headers must be an object or an array of pairs/],
    [{ headers: { A: 1 } }, 'TypeError', /headers\["A"\] must be a string, not 1/],
    [{ headers: [['A']] }, 'TypeError', /headers\[0\] must be a pair/],
    [{ deflate: 'yes' }, 'TypeError', /deflate must be true or false or 'takeover', not 'yes'/],
    [{ reconnect: 1 }, 'TypeError', /reconnect must be true or false, not 1/],
    [{ plaintext: true }, 'TypeError', /plaintext must be 'loopback' or 'private' or 'any', not true/]
  ]
  for (const [options, name, message] of cases) {
    assert.throws(() => new Client(URL_TEXT, options), { name, message }, JSON.stringify(options))
  }
  assert.throws(() => new Server({ port: 65536 }), { name: 'RangeError', message: /from 0 to 65535, not 65536/ })
  assert.throws(() => new Server({ builtin: null }), { name: 'TypeError', message: /true or false, not null/ })
  for (const options of [null, 5, 'x', []]) {
    assert.throws(() => new Client(URL_TEXT, options), { name: 'TypeError', message: /options must be an object/ })
    assert.throws(() => new Server(options), { name: 'TypeError', message: /options must be an object/ })
  }
})

test('a wrong type does not show the text of a credential', () => {
  for (const options of [{ token: ['hunter2'] }, { deflate: false, password: { hunter2: 1 } }]) {
    try {
      assert.fail(new Client(URL_TEXT, options))
    } catch (error) {
      assert.equal(error.name, 'TypeError')
      assert.doesNotMatch(error.message, /hunter2/)
    }
  }
})

test('what the library refuses has its status and its words', async (t) => {
  for (const url of ['nonsense', 'ftp://x', 'ws://', 'wss://[::1', 'ws://host:99999']) {
    assert.throws(() => new Client(url), { name: 'UsageError', code: 'GW_ERR_URL', actor: 'program' }, url)
  }
  assert.throws(() => new Client(''), { code: 'GW_ERR_ARGUMENT' })
  const wss = 'wss://127.0.0.1:9'
  assert.throws(() => new Client(wss, { pins: 'abc' }), { code: 'GW_ERR_PIN_TEXT' })
  const certificate = { code: 'GW_ERR_CERTIFICATE', message: /\/no\/such\/file/ }
  assert.throws(() => new Client(wss, { caFile: '/no/such/file' }), certificate)
  assert.throws(() => new Client(wss, { identityFile: '/proc/no/identity' }), { code: 'GW_ERR_IDENTITY' })
  assert.throws(() => new Server({ certificateFile: '/no/such/file', keyFile: '/no/such/file' }), certificate)
  assert.throws(() => new Server({ address: 'not-an-address' }), { name: /UsageError|NetworkError/ })
  assert.throws(() => new Server({ address: '0.0.0.0', plaintext: true }), { code: 'GW_ERR_PLAINTEXT' })
  const server = await startServer(t)
  assert.throws(() => new Server({ port: server.port }), { name: 'NetworkError', code: 'GW_ERR_LISTEN' })
})

test('an url may be a URL object, and nothing else', async (t) => {
  const server = await startServer(t)
  const client = await gatewire.connect(new URL(server.url), { token: 'secret', pins: server.pin })
  await client.close()
  for (const url of [undefined, null, 5, {}, ['ws://x']]) {
    assert.throws(() => new Client(url), { name: 'TypeError', message: /url must be a string or a URL/ })
  }
})

test('wrong arguments of call are refused by name', async (t) => {
  const { client } = await startPair(t)
  const cyclic = {}
  cyclic.self = cyclic
  const cases = [
    [[undefined], /method must be a non-empty string, not a undefined/],
    [[''], /method must be a non-empty string/],
    [[5], /method must be a non-empty string, not 5/],
    [['a\0b'], /NUL/],
    [['x', () => {}], /params must be an object, or JSON as text or bytes, not a function/],
    [['x', Symbol('s')], /params must be/],
    [['x', cyclic], /circular/i],
    [['x', 5n], /BigInt/],
    [['x', {}, null], /options must be an object, not null/],
    [['x', {}, 5], /options must be an object, not 5/],
    [['x', {}, { timeout: 5 }], /no option "timeout"; the options are .*timeoutMs/],
    [['x', {}, { timeoutMs: 0 }], /timeoutMs must be/],
    [['x', {}, { timeoutMs: '5' }], /timeoutMs must be/],
    [['x', {}, { expectFinal: 1 }], /expectFinal must be a boolean, not 1/],
    [['x', {}, { raw: 'yes' }], /raw must be a boolean/],
    [['x', {}, { onAccepted: 5, expectFinal: true }], /onAccepted must be a function/],
    [['x', {}, { onAccepted () {} }], /onAccepted needs expectFinal/],
    [['x', {}, { signal: {} }], /signal must be an AbortSignal/],
    [['x', {}, { signal: null }], /signal must be an AbortSignal, not null/]
  ]
  for (const [given, message] of cases) {
    assert.match(String(await failure(client.call(...given))), message)
  }
  assert.equal(client.state().callsInFlight, 0)
  assert.equal(typeof await client.call('health'), 'object')
})

test('wrong arguments of the other functions are refused by name', async (t) => {
  const { server, client } = await startPair(t)
  const other = await startServer(t)
  assert.match(String(await failure(client.close('1000'))), /code must be a close code from 1000 to 4999/)
  assert.match(String(await failure(client.close(999))), /from 1000 to 4999, not 999/)
  assert.match((await failure(client.close(1005))).code, /GW_ERR_ARGUMENT/)
  assert.match((await failure(client.close(1000, 'x'.repeat(124)))).code, /GW_ERR_ARGUMENT/)
  assert.match(String(await failure(client.close(1000, 5))), /reason must be a string/)
  assert.match(String(await failure(client.ready(5))), /options must be an object/)
  assert.match(String(await failure(client.ready({ signal: 5 }))), /signal must be an AbortSignal/)
  assert.throws(() => client.events({ name: 'x' }), /no option "name"; the options are limit, names/)
  assert.throws(() => client.events({ names: 'x' }), /names must be an array of strings/)
  assert.throws(() => client.events({ names: [5] }), /names\[0\] must be a string/)
  assert.throws(() => client.events({ limit: 0 }), /limit must be a whole number above 0/)
  assert.throws(() => server.method('', () => {}), /name must be a non-empty string/)
  assert.throws(() => server.method('x', 5), /handler must be a function, not 5/)
  assert.throws(() => server.method('x', () => {}, { raws: true }), /no option "raws"/)
  assert.throws(() => server.push(5), /event must be a non-empty string/)
  assert.throws(() => server.push('x\0y'), /NUL/)
  assert.throws(() => server.push('x', () => {}), /payload must be a value that JSON can hold/)
  assert.throws(() => server.push('x', Buffer.from('{')), { code: 'GW_ERR_JSON_TEXT' })
  assert.throws(() => server.push('x', {}, {}), /peer must be a peer of this server/)
  assert.throws(() => other.push('x', {}, server.peers[0]), /peer must be a peer of this server/)
  assert.throws(() => server.disconnect(5), /peer must be a peer of this server/)
  assert.throws(() => server.disconnect(server.peers[0], 70000), /code must be a close code/)
  assert.match(String(await failure(server.stop(5))), /reason must be a string/)
  assert.throws(() => new RpcError(''), /code must be a non-empty string/)
  assert.throws(() => gatewire.normalizePin(5), /text must be a string/)
  assert.throws(() => gatewire.normalizePin('xyz'), { code: 'GW_ERR_PIN_TEXT' })
  assert.equal(typeof await client.call('health'), 'object')
})

test('functions of a stopped server are refused, and stopping again is not', async () => {
  const server = await gatewire.serve()
  await server.stop()
  await server.stop()
  assert.throws(() => server.push('x'), { code: 'GW_ERR_GONE' })
  server.ref().unref()
})

test('functions of a closed client are refused, and closing again is not', async (t) => {
  const { client } = await startPair(t)
  await Promise.all([client.close(), client.close()])
  await client.close()
  assert.equal((await failure(client.ready())).code, 'GW_ERR_GONE')
  client.flush()
  client.ref().unref()
})

test('the addon itself survives arguments that are not checked before it', () => {
  const { native } = require('../lib/native.js')
  const odd = [
    undefined, null, -1, 1e9, NaN, 'x', {}, [], () => {}, Symbol('s'), 5n, new Uint8Array(3), new Float64Array(1)
  ]
  for (const name of Object.keys(native)) {
    if (typeof native[name] !== 'function') continue
    for (const value of odd) {
      for (let count = 0; count <= 7; count++) {
        try {
          native[name](...new Array(count).fill(value))
        } catch (error) {
          assert.ok(error instanceof Error)
        }
      }
    }
  }
})
