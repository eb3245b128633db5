'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')

const { failure, gatewire, startClient, startServer, startWebSocketServer, test } = require('./support.js')

/** Speaks CONNECT and relays to one port, whatever it was asked for. */
async function startProxy (t, port) {
  const proxy = { requests: [] }
  const server = net.createServer((client) => {
    client.once('data', (request) => {
      proxy.requests.push(request.toString())
      const target = net.connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        client.pipe(target).pipe(client)
      })
      target.on('error', () => client.destroy())
      client.on('error', () => target.destroy())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  proxy.url = `http://user:pass@127.0.0.1:${server.address().port}`
  return proxy
}

test('a client goes through a proxy, which resolves the name', async (t) => {
  const server = await startServer(t)
  const proxy = await startProxy(t, server.port)
  const named = { url: `wss://gateway.invalid:${server.port}`, pin: server.pin }
  const client = await startClient(t, named, { route: { proxy: proxy.url } })
  assert.equal((await client.call('health')).ok, true)
  assert.match(proxy.requests[0], new RegExp(`^CONNECT gateway.invalid:${server.port} HTTP/1.1\r\n`))
  assert.match(proxy.requests[0], /\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n/)
  const state = client.state()
  for (const phase of ['connect', 'proxy', 'tls', 'upgrade', 'challenge', 'hello']) {
    assert.ok(state[`${phase}Ms`] > 0, phase)
  }
})

test('addresses stand in for the name of a WebSocket server', async (t) => {
  const server = startWebSocketServer(t, { plaintext: true })
  await once(server, 'listening')
  const url = `ws://somewhere.invalid:${server.address().port}`
  const route = { addresses: ['127.0.0.1'], bindAddress: '127.0.0.1', tcpKeepaliveMs: 60000, tcpUserTimeoutMs: 30000 }
  const socket = new gatewire.WebSocket(url, [], { plaintext: 'any', route })
  t.after(() => socket.close())
  await socket.opened()
  assert.ok(socket.state().connectMs > 0)
})

test('a proxy that cannot be reached is told as one', async (t) => {
  const there = { url: 'wss://gateway.invalid', pin: 'ab'.repeat(32) }
  const error = await failure(startClient(t, there, { reconnect: false, route: { proxy: 'http://127.0.0.1:1' } }))
  assert.equal(error.code, 'GW_ERR_PROXY')
  assert.match(error.message, /the proxy 127\.0\.0\.1:1/)
})

test('wrong routes are refused with the name of the option', () => {
  const open = (route) => () => new gatewire.Client('ws://localhost', { route })
  assert.throws(open({ proxi: 'http://a' }), /there is no option "proxi"/)
  assert.throws(open({ proxy: 1 }), /route: proxy must be a string/)
  assert.throws(open('http://a'), /route: options must be an object/)
  assert.throws(open({ proxy: 'ftp://a' }), { code: 'GW_ERR_URL' })
  assert.throws(open({ proxy: 'http://a', unixPath: '/b' }), { code: 'GW_ERR_ARGUMENT' })
  assert.throws(open({ addresses: 'not.an.address' }), { code: 'GW_ERR_ARGUMENT' })
})
