'use strict'

// WebSockets in processes and threads of their own, and what the garbage collector makes of them.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')

const {
  collectUntil, gatewire, inWorker, nextEvent, openWebSockets, run, startWebSocket, startWebSocketServer, test
} = require('./support.js')

const examples = path.join(__dirname, '..', '..', '..', 'examples', 'node')

test('a process ends when no WebSocket is open', async (t) => {
  const { code, output } = await run(t, `
    const server = new gatewire.WebSocketServer()
    server.on('connection', (peer) => peer.on('message', (data) => peer.send(data)))
    const socket = await new gatewire.WebSocket(server.url, { pins: server.pin }).opened()
    socket.send('done')
    socket.on('message', async (data) => {
      console.log(String(data))
      await socket.close()
      await server.close()
    })`)
  assert.deepEqual({ code, output }, { code: 0, output: 'done\n' })
})

test('a process ends although a WebSocket is open, if it was told not to wait', async (t) => {
  const { code, output } = await run(t, `
    const server = new gatewire.WebSocketServer().unref()
    const socket = await new gatewire.WebSocket(server.url, { pins: server.pin }).opened()
    socket.unref()
    console.log(socket.readyState)`)
  assert.deepEqual({ code, output }, { code: 0, output: '1\n' })
})

test('process.exit in the middle of everything is no crash', async (t) => {
  const result = await run(t, `
    const server = new gatewire.WebSocketServer()
    server.on('connection', (peer) => peer.on('message', () => process.exit(7)))
    const socket = await new gatewire.WebSocket(server.url, { pins: server.pin }).opened()
    for (let i = 0; i < 100; i++) socket.send(Buffer.alloc(20000))`)
  assert.deepEqual(result, { code: 7, signal: null, output: '' })
})

test('an error of a client that nobody hears ends the process with its text', async (t) => {
  const { code, signal, output } = await run(t, `
    const server = new gatewire.WebSocketServer()
    new gatewire.WebSocket(server.url, { pins: 'ab'.repeat(32) })`)
  assert.deepEqual({ code, signal }, { code: 1, signal: null })
  assert.match(output, /PinError/)
})

test('dropped WebSockets are collected when they have ended', async (t) => {
  const { code, signal, output } = await run(t, `
    let collected = 0
    const registry = new FinalizationRegistry(() => collected++)
    const server = new gatewire.WebSocketServer()
    server.on('connection', (peer) => registry.register(peer))
    for (let i = 0; i < 20; i++) {
      let socket = await new gatewire.WebSocket(server.url, { pins: server.pin }).opened()
      registry.register(socket)
      socket.messages()
      socket.send('x')
      gc()
      await socket.close()
      socket = undefined
    }
    while (collected < 38) { gc(); await new Promise(setImmediate) }
    await server.close()
    console.log('done')`, ['--expose-gc'])
  assert.deepEqual({ code, signal, output }, { code: 0, signal: null, output: 'done\n' })
})

test('an open WebSocket that nobody refers to still gets its messages', async (t) => {
  const server = startWebSocketServer(t)
  const connected = nextEvent(server, 'connection')
  let messages = 0
  let reference
  await (async () => {
    const socket = startWebSocket({ after () {} }, server)
    socket.on('message', () => { messages++ })
    await socket.opened()
    reference = new WeakRef(socket)
  })()
  await collectUntil(() => true)
  const [peer] = await connected
  peer.send('x')
  await collectUntil(() => messages === 1)
  await reference.deref().close()
})

test('each worker thread has WebSockets of its own', async (t) => {
  const server = startWebSocketServer(t)
  server.on('connection', (peer) => peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary })))
  const workers = Array.from({ length: 3 }, () => inWorker(t, `
    parentPort.once('message', async ({ url, pin }) => {
      const own = new gatewire.WebSocketServer()
      own.on('connection', (peer) => peer.on('message', (data) => peer.send(data)))
      let count = 0
      for (const [to, pins] of [[url, pin], [own.url, own.pin]]) {
        const socket = await new gatewire.WebSocket(to, { pins }).opened()
        const messages = socket.messages()
        for (let i = 0; i < 100; i++) socket.send('message ' + i)
        for (let i = 0; i < 100; i++) if (String((await messages.next()).value) === 'message ' + i) count++
        await socket.close()
      }
      await own.close()
      parentPort.postMessage(count)
    })`))
  const exits = Promise.all(workers.map((worker) => nextEvent(worker, 'exit')))
  for (const worker of workers) worker.postMessage({ url: server.url, pin: server.pin })
  const counts = await Promise.all(workers.map((worker) => nextEvent(worker, 'message')))
  assert.deepEqual(counts.flat(), [200, 200, 200])
  assert.deepEqual((await exits).flat(), [0, 0, 0])
})

test('a worker thread that is terminated under load takes nothing with it', async (t) => {
  const server = startWebSocketServer(t)
  server.on('connection', (peer) => peer.on('message', (data) => peer.send(data)))
  for (let i = 0; i < 3; i++) {
    const worker = inWorker(t, `
      parentPort.once('message', async ({ url, pin }) => {
        const own = new gatewire.WebSocketServer()
        own.on('connection', (peer) => peer.on('message', (data) => peer.send(data)))
        const sockets = [await new gatewire.WebSocket(url, { pins: pin }).opened(),
          await new gatewire.WebSocket(own.url, { pins: own.pin }).opened()]
        for (const socket of sockets) {
          socket.on('message', (data) => socket.send(data))
          socket.send('round and round')
        }
        parentPort.postMessage('busy')
      })`)
    const connected = nextEvent(server, 'connection')
    worker.postMessage({ url: server.url, pin: server.pin })
    const [peer] = await connected
    await nextEvent(worker, 'message')
    await worker.terminate()
    await peer.closed()
  }
  await startWebSocket(t, server).opened()
})

test('many connections at once each get their own messages', async (t) => {
  const server = startWebSocketServer(t)
  server.on('connection', (peer, { url }) => peer.on('message', (data) => peer.send(`${url} ${data}`)))
  await Promise.all(Array.from({ length: 50 }, async (_, n) => {
    const socket = await startWebSocket(t, server, { path: `/${n}` }).opened()
    socket.send('hello')
    const { value } = await socket.messages().next()
    assert.equal(value, `/${n} hello`)
    await socket.close()
  }))
  assert.equal(server.clients.size, 0)
})

test('a WebSocket ends once, whenever it is closed', async (t) => {
  const server = startWebSocketServer(t)
  for (let i = 0; i < 20; i++) {
    const socket = startWebSocket(t, server)
    let ends = 0
    socket.on('close', () => ends++)
    for (let turn = 0; turn < i; turn++) await new Promise(setImmediate)
    await socket.close()
    assert.equal(ends, 1)
  }
})

test('a server that closes in the turn of an opening tells every end before its own', async (t) => {
  const { server, peer } = await openWebSockets(t)
  const order = []
  peer.on('close', () => order.push('first'))
  server.on('connection', (second) => {
    second.on('close', () => order.push('second'))
    server.close()
  })
  server.on('close', () => order.push('server'))
  const closing = nextEvent(server, 'close')
  startWebSocket(t, server).on('error', () => {})
  await closing
  assert.equal(order.at(-1), 'server')
  assert.deepEqual(order.sort(), ['first', 'second', 'server'])
})

test('the examples talk to each other', async (t) => {
  const server = runExample(t, 'websocket-server.mjs', [])
  const url = await server.line(/^url +(\S+)$/m)
  const pin = await server.line(/^pin +(\S+)$/m)
  const client = runExample(t, 'websocket-client.mjs', [url, pin])
  assert.equal(await client.line(/^open: (.*)$/m), 'subprotocol chat, compression on')
  assert.equal(await client.line(/^> (.*)$/m), 'hello from Node')
  assert.equal(await client.exit, 0)
  server.child.kill('SIGINT')
  assert.equal(await server.exit, 0)
})

/** An example in a process of its own, and the lines that it prints. */
function runExample (t, name, values) {
  const stdio = ['ignore', 'pipe', 'inherit']
  const child = spawn(process.execPath, [path.join(examples, name), ...values], { stdio })
  t.after(() => child.kill('SIGKILL'))
  const exit = new Promise((resolve) => child.on('close', resolve))
  let output = ''
  child.stdout.on('data', (data) => { output += data })
  const line = async (pattern) => {
    while (!pattern.test(output)) {
      const ended = await Promise.race([nextEvent(child.stdout, 'data'), exit])
      if (!Array.isArray(ended)) throw new Error(`${name} ended: ${output}`)
    }
    return pattern.exec(output)[1]
  }
  return { child, exit, line }
}

test('a paused end gets nothing until it goes on, and closes all the same', async (t) => {
  const { client, peer } = await openWebSockets(t)
  peer.pause()
  assert.equal(peer.isPaused, true)
  const numbers = []
  peer.on('message', (data) => numbers.push(Number(data)))
  for (let i = 0; i < 100; i++) await client.sent(String(i))
  // What the paused end sends arrives, so what was sent to it has had its time.
  const pinged = nextEvent(client, 'ping')
  peer.ping('now')
  await pinged
  assert.deepEqual(numbers, [])
  peer.resume()
  assert.equal(peer.isPaused, false)
  while (numbers.length < 100) await nextEvent(peer, 'message')
  assert.deepEqual(numbers, Array.from({ length: 100 }, (_, i) => i))
  client.pause()
  assert.equal((await client.close()).wasClean, true)
})
