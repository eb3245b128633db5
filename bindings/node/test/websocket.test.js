'use strict'

// WebSocket and WebSocketServer against each other.

const assert = require('node:assert/strict')

const {
  failure, gatewire, nextEvent, openWebSockets, startWebSocket, startWebSocketServer, test
} = require('./support.js')

const { WebSocket, WebSocketServer } = gatewire

test('readyState goes from CONNECTING to CLOSED, and the constants are those of the browser', async (t) => {
  assert.deepEqual([WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED], [0, 1, 2, 3])
  const socket = startWebSocket(t, startWebSocketServer(t))
  assert.equal(socket.readyState, socket.CONNECTING)
  assert.equal(await socket.opened(), socket)
  assert.equal(socket.readyState, socket.OPEN)
  const closed = socket.close()
  assert.equal(socket.readyState, socket.CLOSING)
  assert.deepEqual(await closed, { code: 1000, reason: '', wasClean: true, isPeerFirst: false, error: null })
  assert.equal(socket.readyState, socket.CLOSED)
  assert.equal(socket.state().phase, 'closed')
  assert.deepEqual(await socket.close(), await socket.closed())
})

test('the url is without user and password, which become basic authorization', async (t) => {
  const server = startWebSocketServer(t)
  const connected = nextEvent(server, 'connection')
  const url = new URL('/a?b=c', server.url)
  Object.assign(url, { username: 'me', password: 'hunter2' })
  const socket = new WebSocket(url, { pins: server.pin })
  t.after(() => socket.close())
  const [, request] = await connected
  assert.equal(socket.url, `${server.url}/a?b=c`)
  assert.equal(request.headers.authorization, `Basic ${Buffer.from('me:hunter2').toString('base64')}`)
  assert.doesNotMatch(require('node:util').inspect(socket, { showHidden: true, depth: 9 }), /hunter2|b=c/)
})

test('a message that comes with the opening waits for who awaited it', async (t) => {
  const server = startWebSocketServer(t)
  server.on('connection', (peer) => {
    peer.send('first')
    peer.send('second')
    peer.close(4000)
  })
  for (let i = 0; i < 20; i++) {
    const socket = await startWebSocket(t, server).opened()
    const messages = []
    for await (const message of socket) messages.push(message)
    assert.deepEqual(messages, ['first', 'second'])
    const late = await startWebSocket(t, server).opened()
    const [data] = await nextEvent(late, 'message')
    assert.equal(String(data), 'first')
  }
})

test('messages arrive in order in every way of listening', async (t) => {
  const { client, peer } = await openWebSockets(t)
  const [emitted, listened, looped] = [[], [], []]
  client.on('message', (data, isBinary) => emitted.push(isBinary ? data[0] : Number(data)))
  client.addEventListener('message', ({ data }) => listened.push(typeof data === 'string' ? Number(data) : data[0]))
  const loop = (async () => {
    for await (const data of client) looped.push(typeof data === 'string' ? Number(data) : data[0])
  })()
  const expected = Array.from({ length: 2000 }, (_, n) => n % 100)
  for (const n of expected) peer.send(n % 3 === 0 ? Buffer.from([n]) : String(n))
  await peer.close()
  await loop
  assert.deepEqual(emitted, expected)
  assert.deepEqual(listened, expected)
  assert.deepEqual(looped, expected)
})

test('binaryType says what bytes are, and text stays what it is', async (t) => {
  const { client, peer } = await openWebSockets(t)
  client.binaryType = 'arraybuffer'
  assert.equal(client.binaryType, 'arraybuffer')
  const messages = client.messages()
  const emitted = nextEvent(client, 'message')
  for (const size of [3, 100000]) {
    peer.send('text')
    peer.send(Buffer.alloc(size, 200))
    assert.equal((await messages.next()).value, 'text')
    const { value } = await messages.next()
    assert.ok(value instanceof ArrayBuffer)
    assert.deepEqual(new Uint8Array(value), new Uint8Array(size).fill(200))
  }
  assert.equal(Buffer.isBuffer((await emitted)[0]), true)
})

test('the browser\'s way of listening has its events', async (t) => {
  const { client, peer } = await openWebSockets(t)
  const seen = []
  const onMessage = { handleEvent: ({ type, target, data }) => seen.push(type, target === client, data) }
  client.addEventListener('message', onMessage)
  client.addEventListener('message', onMessage)
  client.addEventListener('message', ({ data }) => seen.push(`once ${data}`), { once: true })
  const attribute = () => seen.push('wrong')
  client.onmessage = attribute
  assert.equal(client.onmessage, attribute)
  client.onmessage = function ({ data }) { seen.push(this === client, data) }
  const closed = new Promise((resolve) => { client.onclose = resolve })
  peer.send('a')
  await nextEvent(client, 'message')
  client.removeEventListener('message', onMessage)
  peer.send('b')
  await nextEvent(client, 'message')
  client.onmessage = null
  assert.equal(client.onmessage, null)
  peer.send('c')
  peer.close(4000, 'why')
  const { type, code, reason, wasClean } = await closed
  assert.deepEqual([type, code, reason, wasClean], ['close', 4000, 'why', true])
  assert.deepEqual(seen, ['message', true, 'a', 'once a', true, 'a', true, 'b'])
})

test('onopen and onerror are called, and a failed connection closes with 1006', async (t) => {
  const server = startWebSocketServer(t)
  await new Promise((resolve) => { startWebSocket(t, server).onopen = resolve })
  const socket = startWebSocket(t, server, { pins: 'ab'.repeat(32) })
  const { error, message } = await new Promise((resolve) => { socket.onerror = resolve })
  assert.ok(error instanceof gatewire.PinError)
  assert.equal(message, error.message)
  assert.match(JSON.stringify(error.seen), new RegExp(server.pin))
  const end = await socket.closed()
  assert.deepEqual([end.code, end.error], [1006, error])
})

test('send is false above the high mark, sent() waits below it, and bufferedAmount shows what waits', async (t) => {
  const { client, peer } = await openWebSockets(t, {
    clientOptions: { highWaterBytes: 65536, lowWaterBytes: 16384, perMessageDeflate: false }
  })
  let received = 0
  peer.on('message', (data) => { received += data.length })
  const chunk = Buffer.alloc(32768)
  let bytes = chunk.length
  let pending = 1
  const called = () => pending--
  while (client.send(chunk, called)) {
    bytes += chunk.length
    pending++
  }
  assert.equal(client.writableNeedDrain, true)
  assert.ok(client.bufferedAmount > 65536, String(client.bufferedAmount))
  await nextEvent(client, 'drain')
  assert.equal(client.writableNeedDrain, false)
  assert.ok(client.bufferedAmount <= 16384)
  for (let i = 0; i < 100; i++) {
    await client.sent(chunk)
    bytes += chunk.length
  }
  assert.equal(pending, 0)
  await client.close()
  assert.equal(received, bytes)
})

test('what does not fit into the queue is refused and told', async (t) => {
  const { client } = await openWebSockets(t, { clientOptions: { maxQueuedBytes: 100000 } })
  assert.throws(() => client.send(Buffer.alloc(100001)), { code: 'GW_ERR_TOO_BIG', message: /100001.*100000/ })
  client.send(Buffer.alloc(90000), { compress: false })
  assert.throws(() => client.send(Buffer.alloc(20000)), { code: 'GW_ERR_FULL', name: 'ResourceError' })
  const told = new Promise((resolve) => client.send(Buffer.alloc(20000), resolve))
  assert.equal((await told).code, 'GW_ERR_FULL')
  assert.equal((await failure(client.sent(Buffer.from([0xff]), { binary: false }))).code, 'GW_ERR_UTF8')
})

test('the state counts messages and bytes, also after the end', async (t) => {
  const { server, client, peer } = await openWebSockets(t)
  peer.on('message', (data) => peer.send(data, { binary: false }))
  const text = 'the same again and again; '.repeat(1000)
  client.send(text)
  client.send('x', { compress: true })
  const answers = client.messages()
  await answers.next()
  await answers.next()
  const { bytesSent, wireBytesSent, sentBeforeDeflate, sentAfterDeflate, ...state } = client.state()
  assert.deepEqual([state.phase, state.tls, state.deflate, state.closeFirst], ['ready', true, true, 'nobody'])
  assert.deepEqual([state.messagesSent, state.messagesReceived, bytesSent], [2, 2, text.length + 1])
  assert.deepEqual([state.bytesReceived, sentBeforeDeflate], [bytesSent, bytesSent])
  assert.ok(sentAfterDeflate < 1000 && wireBytesSent < 1000, `${sentAfterDeflate} ${wireBytesSent}`)
  await client.close(4000)
  const last = client.state()
  assert.deepEqual([last.phase, last.closeFirst, last.closeCodeSent, last.messagesSent], ['closed', 'local', 4000, 2])
  await peer.closed()
  const sums = server.statistics()
  assert.deepEqual([sums.connections, sums.connectionsNow, sums.refused], [1, 0, 0])
  assert.deepEqual([sums.messagesReceived, sums.messagesSent, sums.bytesReceived], [2, 2, bytesSent])
  await server.close()
  assert.equal(server.statistics().connections, 0)
})

test('frames and heads have limits of their own', async (t) => {
  const { client, peer } = await openWebSockets(t, { clientOptions: { maxFrameBytes: 10, perMessageDeflate: false } })
  peer.send('0123456789', { fin: false })
  peer.send('0123456789')
  assert.equal(String((await nextEvent(client, 'message'))[0]).length, 20)
  peer.send('0123456789a')
  assert.equal((await client.closed()).error.code, 'GW_ERR_TOO_BIG')

  const strict = startWebSocketServer(t, { maxHeadBytes: 1024 })
  const error = await failure(startWebSocket(t, strict, { headers: { 'X-Long': 'x'.repeat(1024) } }).opened())
  assert.equal(error.httpStatus, 431)
})

test('sending before the opening is refused, and after the end the callback alone is told', async (t) => {
  const socket = startWebSocket(t, startWebSocketServer(t))
  assert.throws(() => socket.send('x'), { code: 'GW_ERR_STATE', message: /not open yet/ })
  assert.throws(() => socket.ping(), { code: 'GW_ERR_STATE', message: /not open yet/ })
  await socket.opened()
  await socket.close()
  assert.equal(socket.send('x'), false)
  assert.equal(socket.bufferedAmount, 0)
  const error = await failure(socket.sent('x'))
  assert.ok(error instanceof gatewire.NotConnectedError)
  assert.equal((await new Promise((resolve) => socket.ping('x', resolve))).code, 'GW_ERR_STATE')
  assert.equal((await failure(socket.opened())).code, 'GW_ERR_STATE')
})

test('closing before the opening gives it up', async (t) => {
  const server = startWebSocketServer(t, { verifyClient: () => new Promise(() => {}) })
  const socket = startWebSocket(t, server)
  const opened = failure(socket.opened())
  const { code, error } = await socket.close()
  assert.deepEqual([code, error.code], [1006, 'GW_ERR_CANCELLED'])
  assert.equal(await opened, error)
})

test('terminate waits for nobody, at either end and before the opening', async (t) => {
  const { client, peer } = await openWebSockets(t)
  client.send(Buffer.alloc(100000))
  client.close()
  const { code, wasClean, error } = await client.terminate()
  assert.deepEqual([code, wasClean, error.code], [1006, false, 'GW_ERR_CANCELLED'])
  assert.equal((await peer.closed()).error.code, 'GW_ERR_LOST')
  assert.equal((await client.terminate()).error, error)

  const second = await openWebSockets(t)
  second.peer.on('error', assert.fail)
  second.peer.terminate()
  const [closeCode] = await nextEvent(second.peer, 'close')
  assert.equal(closeCode, 1006)
  assert.equal((await second.client.closed()).error.code, 'GW_ERR_LOST')

  const third = startWebSocket(t, second.server)
  assert.equal((await third.terminate()).error.code, 'GW_ERR_CANCELLED')
})

test('a loop ends with the connection, with an error if it was lost', async (t) => {
  const { client, peer } = await openWebSockets(t)
  const loop = (async () => { for await (const message of client) assert.fail(message) })()
  await peer.close(4000, 'enough')
  await loop
  for await (const message of client) assert.fail(message)

  const tooBig = await openWebSockets(t, { clientOptions: { maxPayload: 10 } })
  const failed = failure(tooBig.client.messages().next())
  tooBig.peer.send('x'.repeat(11))
  assert.equal((await failed).code, 'GW_ERR_TOO_BIG')
})

test('a loop that falls behind its limit ends with an error', async (t) => {
  const { client, peer } = await openWebSockets(t)
  const slow = client.messages({ limit: 2 })
  for (let n = 0; n < 3; n++) peer.send(n)
  await peer.close()
  await client.closed()
  assert.deepEqual([(await slow.next()).value, (await slow.next()).value], ['0', '1'])
  assert.equal((await failure(slow.next())).code, 'GW_ERR_LIMIT')
})

test('a listener that throws loses no other message', async (t) => {
  const { client, peer } = await openWebSockets(t)
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  // The test runner has a listener of its own, which would fail the test.
  const others = process.listeners('uncaughtException').slice(0, -1)
  for (const listener of others) process.off('uncaughtException', listener)
  t.after(() => others.forEach((listener) => process.on('uncaughtException', listener)))
  const seen = []
  client.on('message', (data) => {
    seen.push(String(data))
    if (seen.length === 1) throw new Error('listener')
  })
  for (const text of ['a', 'b', 'c']) peer.send(text)
  await peer.close()
  assert.deepEqual(seen, ['a', 'b', 'c'])
  assert.equal((await thrown).message, 'listener')
})

test('a server says where it listens', async (t) => {
  const server = startWebSocketServer(t, { host: '::1' })
  await nextEvent(server, 'listening')
  const { address, family, port } = server.address()
  assert.deepEqual([address, family, server.url], ['::1', 'IPv6', `wss://[::1]:${port}`])
  const connected = nextEvent(server, 'connection')
  await startWebSocket(t, server).opened()
  const { socket } = (await connected)[1]
  assert.deepEqual([socket.remoteAddress, socket.remoteFamily], ['::1', 'IPv6'])
  await server.close()
  assert.equal((await new Promise((resolve) => server.close(resolve))).code, 'GW_ERR_GONE')
})

test('a port that is taken is an error event', async (t) => {
  const server = startWebSocketServer(t)
  const second = new WebSocketServer({ port: server.address().port }, assert.fail)
  const [error] = await nextEvent(second, 'error')
  assert.ok(error instanceof gatewire.NetworkError)
  assert.equal(error.code, 'GW_ERR_LISTEN')
  assert.equal(second.address(), null)
  await second.close()
})

test('without clientTracking there is no set of clients', async (t) => {
  const { server } = await openWebSockets(t, { serverOptions: { clientTracking: false } })
  assert.equal(server.clients, undefined)
})

test('a hook that throws lets nobody in, and the error is the program\'s', async (t) => {
  const others = process.listeners('uncaughtException')
  for (const listener of others) process.off('uncaughtException', listener)
  t.after(() => others.forEach((listener) => process.on('uncaughtException', listener)))
  const hooks = [
    { verifyClient () { throw new Error('from the hook') } },
    { verifyClient: async () => { throw new Error('from the hook') } },
    { handleProtocols () { throw new Error('from the hook') } }
  ]
  for (const hook of hooks) {
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
    const server = startWebSocketServer(t, hook)
    const error = await failure(startWebSocket(t, server, { protocols: ['x'] }).opened())
    assert.equal(error.httpStatus, 500)
    assert.equal((await thrown).message, 'from the hook')
  }
})
