'use strict'

// WebSocketServer with the client of Node's `ws`.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const https = require('node:https')

const { nextEvent, startWebSocketServer } = require('./support.js')
const { check, ws } = require('./ws-support.js')

function connect (t, server, { path = '/', protocols = [], ...options } = {}) {
  const socket = new ws.WebSocket(server.url + path, protocols, { ca: server.certificate, ...options })
  t.after(() => socket.terminate())
  socket.on('error', () => {}) // told by what each test waits for
  return socket
}

/** Both ends, open. */
async function pair (t, { serverOptions, clientOptions } = {}) {
  const server = startWebSocketServer(t, serverOptions)
  const connected = nextEvent(server, 'connection')
  const client = connect(t, server, clientOptions)
  const [[peer, request]] = await Promise.all([connected, once(client, 'open')])
  return { server, client, peer, request }
}

function echo (peer) {
  peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }))
}

/** What ws makes of a refusal. */
async function refusal (socket) {
  const [, response] = await once(socket, 'unexpected-response')
  let body = ''
  for await (const part of response.setEncoding('utf8')) body += part
  return [response.statusCode, body.trim()]
}

for (const perMessageDeflate of [true, false]) {
  check(`text and bytes come back ${perMessageDeflate ? 'with' : 'without'} deflate`, async (t) => {
    const { client, peer } = await pair(t, {
      serverOptions: { perMessageDeflate }, clientOptions: { perMessageDeflate: { threshold: 0 } }
    })
    echo(peer)
    assert.equal(client.extensions, perMessageDeflate ? 'permessage-deflate' : '')
    assert.equal(peer.extensions, client.extensions)
    for (const data of ['', 'größe', 'x'.repeat(200000), Buffer.alloc(70000, 7), Buffer.from([0, 255])]) {
      client.send(data)
      const [answer, isBinary] = await once(client, 'message')
      assert.equal(isBinary, typeof data !== 'string')
      assert.equal(answer.equals(Buffer.from(data)), true)
    }
  })
}

check('context takeover is agreed when both ends keep their windows (RFC 7692 section 7.1.1)', async (t) => {
  const keep = { serverNoContextTakeover: false, clientNoContextTakeover: false }
  const { client, peer } = await pair(t, { serverOptions: { perMessageDeflate: { ...keep, threshold: 1 } } })
  echo(peer)
  for (let i = 0; i < 10; i++) {
    client.send(`the same again and again ${i}`)
    assert.equal(String((await once(client, 'message'))[0]), `the same again and again ${i}`)
  }
})

check('each side keeps its window by itself (RFC 7692 section 7.1.1)', async (t) => {
  const { client, peer } = await pair(t, { serverOptions: { perMessageDeflate: { serverNoContextTakeover: false } } })
  echo(peer)
  const { deflate, clientNoContextTakeover, serverNoContextTakeover } = peer.state()
  assert.deepEqual([deflate, clientNoContextTakeover, serverNoContextTakeover], [true, true, false])
  client.send('text')
  assert.equal(String((await once(client, 'message'))[0]), 'text')
})

check('fragments are one message, also between pings (RFC 6455 section 5.4)', async (t) => {
  const { client, peer } = await pair(t)
  const pings = []
  peer.on('ping', (data) => pings.push(String(data)))
  const arrived = nextEvent(peer, 'message')
  client.send('gr', { fin: false })
  client.ping('between')
  client.send('öße', { fin: true })
  const [data, isBinary] = await arrived
  assert.deepEqual([String(data), isBinary, pings], ['größe', false, ['between']])
})

check('with parts a message is handed over as it arrives', async (t) => {
  const { client, peer } = await pair(t, { serverOptions: { parts: true, partBytes: 1 } })
  peer.on('message', assert.fail)
  const parts = []
  const ended = new Promise((resolve) => peer.on('part', (data, isBinary, isLast) => {
    parts.push(String(data))
    assert.equal(isBinary, false)
    if (isLast) resolve()
    else if (parts.length === 1) client.send('öße', { fin: true })
  }))
  client.send('gr', { fin: false })
  await ended
  assert.equal(parts[0], 'gr')
  assert.equal(parts.join(''), 'größe')
  assert.throws(() => peer.messages(), { code: 'GW_ERR_STATE', message: /'part' alone/ })
})

check('the request is known by the names of node:http', async (t) => {
  const { peer, request, server } = await pair(t, {
    clientOptions: { path: '/room/1?x=y', origin: 'https://example.org', headers: { 'X-One': 'a', cookie: 'k=v' } }
  })
  assert.equal(request.method, 'GET')
  assert.equal(request.url, '/room/1?x=y')
  assert.equal(request.headers.origin, 'https://example.org')
  assert.equal(request.headers['x-one'], 'a')
  assert.equal(request.headers.cookie, 'k=v')
  assert.equal(request.rawHeaders.includes('k=v'), true)
  assert.deepEqual(
    [request.socket.remoteAddress, request.socket.remoteFamily, request.socket.encrypted], ['127.0.0.1', 'IPv4', true])
  assert.equal(typeof request.socket.remotePort, 'number')
  assert.equal(server.clients.has(peer), true)
  assert.equal(peer.readyState, peer.OPEN)
})

check('the first supported subprotocol that is offered is chosen', async (t) => {
  const { client, peer } = await pair(t, {
    serverOptions: { protocols: ['c', 'b'] }, clientOptions: { protocols: ['a', 'b', 'c'] }
  })
  assert.deepEqual([client.protocol, peer.protocol], ['c', 'c'])
})

check('handleProtocols chooses among what is offered', async (t) => {
  let asked
  const handleProtocols = (offered, request) => {
    asked = [[...offered], request.url]
    return 'b'
  }
  const { client } = await pair(t, { serverOptions: { handleProtocols }, clientOptions: { protocols: ['a', 'b'] } })
  assert.deepEqual([client.protocol, asked], ['b', [['a', 'b'], '/']])
  const none = await pair(t, { serverOptions: { handleProtocols: () => assert.fail('nothing was offered') } })
  assert.equal(none.client.protocol, '')
})

check('verifyClient is asked about every upgrade, and a refusal is 401', async (t) => {
  const infos = []
  const verifyClient = (info) => {
    infos.push([info.origin, info.secure, info.req.url])
    return info.req.url === '/in'
  }
  const server = startWebSocketServer(t, { verifyClient })
  const refused = nextEvent(server, 'refused')
  assert.deepEqual(await refusal(connect(t, server, { path: '/out', origin: 'https://o' })), [401, 'Unauthorized'])
  const [error, request] = await refused
  assert.deepEqual([error.code, error.httpStatus, request.url], ['GW_ERR_CANCELLED', 401, '/out'])
  await once(connect(t, server, { path: '/in' }), 'open')
  assert.deepEqual(infos, [['https://o', true, '/out'], [undefined, true, '/in']])
})

check('verifyClient may promise, or call back with a status and a text', async (t) => {
  const promising = startWebSocketServer(t, { verifyClient: async ({ req }) => req.url === '/in' })
  await once(connect(t, promising, { path: '/in' }), 'open')
  assert.equal((await refusal(connect(t, promising)))[0], 401)

  const calling = startWebSocketServer(t, {
    verifyClient ({ req }, callback) {
      setImmediate(() => req.url === '/in' ? callback(true) : callback(false, 418, 'a teapot'))
    },
    protocols: 'tea'
  })
  const inside = connect(t, calling, { path: '/in', protocols: ['tea'] })
  await once(inside, 'open')
  assert.equal(inside.protocol, 'tea')
  assert.deepEqual(await refusal(connect(t, calling)), [418, 'a teapot'])
})

check('an Origin that is not allowed is refused with 403 (section 10.2)', async (t) => {
  const server = startWebSocketServer(t, { origins: ['https://good.example'] })
  assert.equal((await refusal(connect(t, server, { origin: 'https://bad.example' })))[0], 403)
  await once(connect(t, server, { origin: 'https://good.example' }), 'open')
})

check('a request for no upgrade is refused, and the server goes on', async (t) => {
  const server = startWebSocketServer(t)
  const request = https.get(server.url.replace('wss', 'https'), { ca: server.certificate, agent: false })
  const [response] = await once(request, 'response')
  response.resume()
  assert.ok(response.statusCode >= 400, `${response.statusCode} ${http.STATUS_CODES[response.statusCode]}`)
  await once(connect(t, server), 'open')
})

check('close codes and reasons pass in both directions (section 7.1.5)', async (t) => {
  const one = await pair(t)
  one.peer.close(4001, 'grüße')
  const [code, reason] = await once(one.client, 'close')
  assert.deepEqual([code, String(reason)], [4001, 'grüße'])

  const two = await pair(t)
  const closed = nextEvent(two.peer, 'close')
  two.client.close(4002, 'bye')
  const [theirs, why] = await closed
  assert.deepEqual([theirs, String(why), two.peer.wasClean, two.server.clients.size], [4002, 'bye', true, 0])

  const three = await pair(t)
  three.client.close()
  assert.equal((await nextEvent(three.peer, 'close'))[0], 1005)

  const four = await pair(t)
  four.peer.on('error', assert.fail)
  four.client.terminate()
  assert.equal((await nextEvent(four.peer, 'close'))[0], 1006)
})

check('a peer that breaks a rule ends its own connection alone, also without a listener', async (t) => {
  const { server, client, peer } = await pair(t)
  const closed = peer.closed()
  client._socket.write(Buffer.from([0x81, 0x02, 0x7b, 0x7d])) // not masked: section 5.1
  assert.equal((await closed).error.code, 'GW_ERR_PROTOCOL')
  await once(connect(t, server), 'open')
})

check('a peer above maxMessagesPerSecond is closed with 1008', async (t) => {
  const { client } = await pair(t, { serverOptions: { maxMessagesPerSecond: 5 } })
  for (let i = 0; i < 20; i++) client.send('x')
  assert.equal((await once(client, 'close'))[0], 1008)
})

check('connections above maxConnectionsPerAddress are not let in', async (t) => {
  const { server, client } = await pair(t, { serverOptions: { maxConnectionsPerAddress: 1 } })
  await assert.rejects(once(connect(t, server), 'open'))
  client.close()
  await once(client, 'close')
})

check('a server that closes ends every connection with 1001 (section 7.4.1)', async (t) => {
  const { server, client, peer } = await pair(t)
  const ended = Promise.all([once(client, 'close'), nextEvent(peer, 'close'), nextEvent(server, 'close')])
  const called = new Promise((resolve) => server.close(resolve))
  await server.close()
  assert.equal(await called, undefined)
  assert.equal((await ended)[0][0], 1001)
  assert.equal(server.address(), null)
})

check('plain ws:// is served on loopback if it is asked for', async (t) => {
  const server = startWebSocketServer(t, { plaintext: true })
  assert.deepEqual([server.pin, server.certificate], [undefined, undefined])
  assert.match(server.url, /^ws:\/\/127\.0\.0\.1:\d+$/)
  await once(connect(t, server), 'open')
})
