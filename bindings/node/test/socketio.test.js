'use strict'

// Socket.IO against the server of Tests/Peers/socketio_peer.py, on python-socketio.

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const nodeTest = require('node:test')
const readline = require('node:readline')

const { failure, gatewire, run, test } = require('./support.js')

const { Manager, io } = gatewire

const root = path.join(__dirname, '..', '..', '..')
const program = path.join(root, 'Tests', 'Peers', 'socketio_peer.py')

/** GATEWIRE_PYTHON, or the first of these that has what the server needs. */
const python = [process.env.GATEWIRE_PYTHON, path.join(root, 'build', 'venv', 'bin', 'python'), 'python3'].find(
  (each) => each !== undefined && spawnSync(each, ['-c', 'import socketio, aiohttp']).status === 0)
const missing = python === undefined && 'no python has python-socketio and aiohttp; name one in GATEWIRE_PYTHON'
const check = missing ? (name) => nodeTest(name, { skip: missing }, () => {}) : test

/** A server that ends with the test, or by its stop(). */
async function startPeer (t, port = 0) {
  const child = spawn(python, [program, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const stop = () => {
    child.stdin.end()
    return child.exitCode === null ? once(child, 'exit') : undefined
  }
  t.after(stop)
  const [line] = await once(readline.createInterface(child.stdout), 'line')
  return { url: `http://127.0.0.1:${line}`, port: Number(line), stop }
}

function startSocket (t, url, options = {}) {
  const socket = io(url, options)
  t.after(() => socket.disconnect())
  return socket
}

/** The arguments of the next event with this name. */
function next (socket, event) {
  return new Promise((resolve) => socket.once(event, (...args) => resolve(args)))
}

check('a socket joins, is told so, and leaves', async (t) => {
  const { url } = await startPeer(t)
  const socket = startSocket(t, url)
  assert.equal(socket.connected, false)
  assert.equal(socket.active, true)
  const welcome = next(socket, 'welcome')
  assert.deepEqual(await next(socket, 'connect'), [])
  assert.equal(socket.connected, true)
  assert.match(socket.id, /./)
  assert.equal(socket.recovered, false)
  assert.deepEqual(await welcome, ['/'])
  const left = next(socket, 'disconnect')
  assert.equal(socket.disconnect(), socket)
  assert.deepEqual(await left, ['io client disconnect', undefined])
  assert.equal(socket.active, false)
  assert.equal(socket.id, undefined)
  assert.throws(() => socket.emit('late'), gatewire.NotConnectedError)
  socket.connect()
  await next(socket, 'connect')
})

check('arguments go both ways, binary anywhere in them', async (t) => {
  const socket = startSocket(t, (await startPeer(t)).url)
  const view = new Uint16Array([0x4241, 0x4443]).subarray(1)
  const cases = [
    [[], []],
    [['text', 'é\u{1f600}', null, true, 1.5], ['text', 'é\u{1f600}', null, true, 1.5]],
    [[{ a: [{ b: 1 }] }], [{ a: [{ b: 1 }] }]],
    [[Buffer.from([0, 1])], [Buffer.from([0, 1])]],
    [[{ deep: [new Uint8Array([1]), { more: [new ArrayBuffer(2), view] }] }, Buffer.alloc(20000, 7)],
      [{ deep: [Buffer.from([1]), { more: [Buffer.alloc(2), Buffer.from('CD')] }] }, Buffer.alloc(20000, 7)]],
    [[{ _placeholder: true, num: 0 }, 'x'.repeat(40000)], [{ _placeholder: true, num: 0 }, 'x'.repeat(40000)]]
  ]
  for (const [args, expected] of cases) {
    const answer = await new Promise((resolve) => socket.emit('echo', ...args, (...given) => resolve(given)))
    assert.deepEqual(answer, expected)
  }
  assert.deepEqual(await socket.emitWithAck('echo', Buffer.from('first'), 2), Buffer.from('first'))
  assert.throws(() => socket.emit('echo', ...Array(11).fill(Buffer.alloc(1))), gatewire.ResourceError)
  assert.throws(() => socket.emit('connect'), gatewire.UsageError)
  assert.throws(() => socket.emit('echo', 1n), TypeError)
})

check('many at once keep what is theirs', async (t) => {
  const socket = startSocket(t, (await startPeer(t)).url)
  const sent = Array.from({ length: 100 }, (_, n) => [
    n, 'é'.repeat(n), Array(n % 4).fill(Buffer.from(`${n}`)), 'x'.repeat(n * 300)
  ])
  assert.deepEqual(await Promise.all(sent.map((each) => socket.emitWithAck('echo', each))), sent)
})

check('a listener acknowledges, once', async (t) => {
  const socket = startSocket(t, (await startPeer(t)).url)
  const seen = []
  socket.onAny((event) => seen.push(event))
  socket.on('question', (number, data, ack) => {
    assert.deepEqual([number, data], [1, Buffer.from('q')])
    ack({ answer: Buffer.from('a') })
    ack('again')
  })
  socket.emit('ask', 1, Buffer.from('q'))
  assert.deepEqual(await next(socket, 'answered'), [{ answer: Buffer.from('a') }])
  assert.deepEqual(seen, ['welcome', 'question', 'answered'])
})

check('a time limit is an error of the callback and of the promise', async (t) => {
  const socket = startSocket(t, (await startPeer(t)).url)
  const error = await new Promise((resolve) => socket.timeout(50).emit('nobody', resolve))
  assert.ok(error instanceof gatewire.CallTimeoutError)
  assert.ok(await failure(socket.timeout(50).emitWithAck('nobody')) instanceof gatewire.CallTimeoutError)
  const answer = await new Promise((resolve) => socket.timeout(10000).emit('echo', 1, (...given) => resolve(given)))
  assert.deepEqual(answer, [null, 1])
})

check('namespaces share a connection', async (t) => {
  const { url } = await startPeer(t)
  const manager = new Manager(url, { auth: { user: 'ä' } })
  const [root, chat] = [manager.socket('/'), manager.socket('/chat', { auth: { user: 'chat' } })]
  t.after(() => [root, chat].map((socket) => socket.disconnect()))
  assert.equal(manager.socket('/chat'), chat)
  assert.equal(chat.io, manager)
  assert.deepEqual(await chat.emitWithAck('who'), { user: 'chat' })
  assert.deepEqual(await root.emitWithAck('who'), { user: 'ä' })
  chat.disconnect()
  await next(chat, 'disconnect')
  assert.equal(await root.emitWithAck('echo', 1), 1)
  chat.connect()
  assert.equal(await chat.emitWithAck('echo', 2), 2)
})

check('auth is asked for at each join, and the path of the URL is the namespace', async (t) => {
  const { url } = await startPeer(t)
  let asked = 0
  const socket = startSocket(t, `${url}/chat?a=b`, { auth: (give) => setImmediate(give, { asked: ++asked }) })
  assert.equal(socket.nsp, '/chat')
  assert.deepEqual(await socket.emitWithAck('who'), { asked: 1 })
  socket.disconnect()
  await next(socket, 'disconnect')
  socket.connect()
  assert.deepEqual(await socket.emitWithAck('who'), { asked: 2 })
})

check('a refusal carries the data of the server', async (t) => {
  const { url } = await startPeer(t)
  const socket = startSocket(t, url, { auth: { refuse: true } })
  const [error] = await next(socket, 'connect_error')
  assert.ok(error instanceof gatewire.SocketIOError)
  assert.equal(error.message, 'not authorized')
  assert.deepEqual(error.data, { code: 401 })
  assert.equal(socket.active, false)
  socket.auth = { token: 'good' }
  socket.connect()
  assert.deepEqual(await socket.emitWithAck('who'), { token: 'good' })
})

check('the server disconnects', async (t) => {
  const socket = startSocket(t, (await startPeer(t)).url)
  socket.emit('kick')
  const [reason, error] = await next(socket, 'disconnect')
  assert.equal(reason, 'io server disconnect')
  assert.equal(error.code, 'GW_ERR_SIO_DISCONNECTED')
  assert.equal(socket.active, false)
})

check('after a restart of the server it joins anew and sends what was kept', async (t) => {
  const peer = await startPeer(t)
  const socket = startSocket(t, peer.url, { reconnectionDelay: 10, randomizationFactor: 0 })
  await next(socket, 'connect')
  const { id } = socket
  const lost = next(socket, 'disconnect')
  await peer.stop()
  const [reason] = await lost
  assert.match(reason, /^transport (close|error)$/)
  assert.equal(socket.active, true)
  const kept = socket.emitWithAck('echo', 'kept')
  assert.ok(await failure(socket.volatile.emitWithAck('echo')) instanceof gatewire.NotSentError)
  assert.equal(socket.volatile.emit('echo', 'dropped'), socket)
  const [attempt] = await next(socket, 'connect_error')
  assert.equal(attempt.code, 'GW_ERR_CONNECT')
  await startPeer(t, peer.port)
  assert.equal(await kept, 'kept')
  assert.notEqual(socket.id, id)
})

check('listeners come and go; an event named error is one like the others', async (t) => {
  const socket = startSocket(t, (await startPeer(t)).url, { autoConnect: false })
  assert.equal(socket.active, false)
  const listener = () => {}
  socket.on('a', listener).once('a', listener).on('b', listener)
  assert.equal(socket.listeners('a').length, 2)
  socket.off('a', listener).off('a')
  assert.equal(socket.hasListeners('a'), false)
  assert.equal(socket.hasListeners('b'), true)
  socket.off()
  assert.equal(socket.hasListeners('b'), false)
  assert.throws(() => socket.on('a', 'no function'), TypeError)
  await next(socket.connect(), 'connect')
})

check('the process ends by itself when the last namespace was left', async (t) => {
  const { url } = await startPeer(t)
  const { code, output } = await run(t, `
    const socket = gatewire.io('${url}')
    socket.on('connect', () => { console.log('joined'); socket.disconnect() })`)
  assert.equal(output, 'joined\n')
  assert.equal(code, 0)
})

test('options are checked by name and type', () => {
  for (const options of [{ auth: 'token' }, { autoConnect: 1 }, { randomizationFactor: 2 }, { nothing: 1 },
    { transports: ['polling'] }, { timeout: 'x' }, { reconnectionAttempts: 0 }]) {
    assert.throws(() => io('http://127.0.0.1:1', options), /^(TypeError|RangeError): io: /)
  }
  assert.throws(() => io('http://example.com'), { code: 'GW_ERR_PLAINTEXT' })
  assert.throws(() => io(7), TypeError)
})
