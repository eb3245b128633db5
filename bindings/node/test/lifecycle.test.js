'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')

const {
  collectUntil, failure, gatewire, inWorker, library, nextEvent, run, startClient, startPair, startServer, test
} = require('./support.js')

test('a client connects again after its gateway was restarted', async (t) => {
  const first = await gatewire.serve({ token: 'secret', plaintext: true })
  const client = await startClient(t, first, { pins: undefined, reconnectInitialMs: 5, reconnectMaxMs: 50 })
  assert.equal(client.state().connections, 1)
  const lost = nextEvent(client, 'disconnected')
  await first.stop('restart')
  const [error] = await lost
  assert.ok(error instanceof gatewire.GatewireError)
  assert.equal(error.retryable, true)
  assert.equal(client.isConnected, false)
  const refused = await failure(client.call('health'))
  assert.ok(refused instanceof gatewire.NotConnectedError)

  const again = client.ready()
  const second = await startServer(t, { port: first.port, plaintext: true })
  assert.equal((await again).type, 'hello-ok')
  assert.equal(client.state().connections, 2)
  assert.equal(typeof await client.call('health'), 'object')
  assert.equal(second.peers.length, 1)
})

test('a client without reconnect ends with its connection', async (t) => {
  const { server, client } = await startPair(t, { clientOptions: { reconnect: false } })
  const closed = nextEvent(client, 'closed')
  await server.stop()
  const [error] = await closed
  assert.ok(error instanceof gatewire.GatewireError)
  assert.equal(client.state().phase, 'closed')
})

test('connect fails with the first attempt, or keeps trying if told to', async (t) => {
  const gone = await gatewire.serve({ token: 'secret', plaintext: true })
  await gone.stop()
  const error = await failure(gatewire.connect(gone.url))
  assert.ok(error instanceof gatewire.NetworkError)
  assert.equal(error.code, 'GW_ERR_CONNECT')

  const patience = { keepTrying: true, reconnectInitialMs: 5, reconnectMaxMs: 50 }
  const patient = gatewire.connect(gone.url, { token: 'secret', ...patience })
  await startServer(t, { port: gone.port, plaintext: true })
  await (await patient).close()
})

test('waiting for a connection can be given up', async (t) => {
  const gone = await gatewire.serve({ plaintext: true })
  await gone.stop()
  const controller = new AbortController()
  const waiting = failure(gatewire.connect(gone.url, { keepTrying: true, signal: controller.signal }))
  controller.abort(new Error('enough'))
  const error = await waiting
  assert.equal(error.name, 'AbortError')
  assert.equal(error.cause.message, 'enough')
  assert.equal((await failure(gatewire.connect(gone.url, { signal: AbortSignal.abort() }))).name, 'AbortError')
})

test('closing ends a client in any phase, and once', async (t) => {
  const server = await startServer(t)
  for (let i = 0; i < 20; i++) {
    const client = new gatewire.Client(server.url, { token: 'secret', pins: server.pin })
    let ends = 0
    client.on('closed', () => ends++)
    for (let turn = 0; turn < i; turn++) await new Promise(setImmediate)
    await client.close()
    assert.equal(ends, 1)
    assert.equal(client.state().phase, 'closed')
  }
})

test('a peer that stops mid-way leaves the server working', async (t) => {
  const server = await startServer(t)
  const clients = await Promise.all(Array.from({ length: 20 }, () => startClient(t, server)))
  assert.equal(server.peers.length, 20)
  server.method('hang', () => new Promise(() => {}))
  const calls = clients.map((client) => failure(client.call('hang')))
  await Promise.all(clients.map((client) => client.close(1001, 'leaving')))
  for (const error of await Promise.all(calls)) assert.ok(error instanceof gatewire.GatewireError)
  assert.equal(typeof await (await startClient(t, server)).call('health'), 'object')
})

test('a process ends when nothing is open', async (t) => {
  const { code, output } = await run(t, `
    const server = await gatewire.serve()
    const client = await gatewire.connect(server.url, { pins: server.pin })
    await client.call('health')
    await client.close()
    await server.stop()
    console.log('done')`)
  assert.deepEqual({ code, output }, { code: 0, output: 'done\n' })
})

test('a process that only loaded the library ends', async (t) => {
  assert.deepEqual(await run(t, ''), { code: 0, signal: null, output: '' })
})

test('a process ends although something is open, if it was told not to wait', async (t) => {
  const { code, output } = await run(t, `
    const server = (await gatewire.serve()).unref()
    const client = (await gatewire.connect(server.url, { pins: server.pin })).unref()
    console.log(client.state().phase)`)
  assert.deepEqual({ code, output }, { code: 0, output: 'ready\n' })
})

test('a client that waits to connect again keeps the process alive', async (t) => {
  const { code, output } = await run(t, `
    const gone = await gatewire.serve({ plaintext: true })
    await gone.stop()
    const client = new gatewire.Client(gone.url, { reconnectInitialMs: 1, reconnectMaxMs: 2 })
    let attempts = 0
    client.on('disconnected', () => { if (++attempts === 5) client.close() })
    client.on('closed', (error) => console.log(attempts, error))`)
  assert.deepEqual({ code, output }, { code: 0, output: '5 null\n' })
})

test('process.exit in the middle of everything is no crash', async (t) => {
  const { code, signal, output } = await run(t, `
    const server = await gatewire.serve()
    const client = await gatewire.connect(server.url, { pins: server.pin })
    server.method('exit', () => process.exit(7))
    client.call('exit')
    for (let i = 0; i < 100; i++) client.call('health')`)
  assert.deepEqual({ code, signal, output }, { code: 7, signal: null, output: '' })
})

test('an error that nobody catches is told as such, and is no crash', async (t) => {
  const { code, signal, output } = await run(t, `
    const server = await gatewire.serve()
    const client = await gatewire.connect(server.url, { pins: server.pin })
    client.on('event:x', () => { throw new Error('from a listener') })
    server.push('x')`)
  assert.equal(signal, null)
  assert.equal(code, 1)
  assert.match(output, /from a listener/)
})

test('dropped objects are collected when they have ended, and nothing crashes', async (t) => {
  const { code, signal, output } = await run(t, `
    let collected = 0
    const registry = new FinalizationRegistry(() => collected++)
    const server = await gatewire.serve()
    for (let i = 0; i < 20; i++) {
      let client = await gatewire.connect(server.url, { pins: server.pin })
      registry.register(client)
      client.call('health').catch(() => {})
      client.events()
      gc()
      await client.close()
      client = undefined
    }
    while (collected < 19) { gc(); await new Promise(setImmediate) }
    await server.stop()
    console.log('done')`, ['--expose-gc'])
  assert.deepEqual({ code, signal, output }, { code: 0, signal: null, output: 'done\n' })
})

test('an open client that nobody refers to still gets its events', async (t) => {
  const server = await startServer(t)
  let events = 0
  let reference
  await (async () => {
    const client = await gatewire.connect(server.url, { token: 'secret', pins: server.pin })
    client.on('event:x', () => { events++ })
    reference = new WeakRef(client)
  })()
  await collectUntil(() => true)
  server.push('x')
  await collectUntil(() => events === 1)
  await reference.deref().close()
})

test('answers that nobody waits for are no trouble', async (t) => {
  const { client } = await startPair(t)
  for (let i = 0; i < 1000; i++) client.call('health')
  await client.call('health')
  await collectUntil(() => client.state().callsInFlight === 0)
})

test('each worker thread has a context of its own', async (t) => {
  const server = await startServer(t)
  server.method('sum', ({ a, b }) => a + b)
  const workers = Array.from({ length: 3 }, () => inWorker(t, `
    parentPort.once('message', async ({ url, pin }) => {
      const own = await gatewire.serve()
      const toOwn = await gatewire.connect(own.url, { pins: own.pin })
      const toMain = await gatewire.connect(url, { token: 'secret', pins: pin })
      const sums = await Promise.all(Array.from({ length: 100 }, (_, n) => toMain.call('sum', { a: n, b: 1 })))
      await toOwn.call('health')
      await Promise.all([toOwn.close(), toMain.close()])
      await own.stop()
      parentPort.postMessage(sums.every((sum, n) => sum === n + 1))
    })`))
  const exits = Promise.all(workers.map((worker) => nextEvent(worker, 'exit')))
  for (const worker of workers) worker.postMessage({ url: server.url, pin: server.pin })
  const answers = await Promise.all(workers.map((worker) => nextEvent(worker, 'message')))
  assert.deepEqual(answers.flat(), [true, true, true])
  assert.deepEqual((await exits).flat(), [0, 0, 0])
})

test('a worker thread that is terminated under load takes nothing with it', async (t) => {
  const server = await startServer(t)
  server.method('echo', (params) => params)
  for (let i = 0; i < 5; i++) {
    const worker = inWorker(t, `
      parentPort.once('message', async ({ url, pin }) => {
        const own = await gatewire.serve()
        const client = await gatewire.connect(url, { token: 'secret', pins: pin })
        const toOwn = await gatewire.connect(own.url, { pins: own.pin })
        own.method('x', (params) => params)
        parentPort.postMessage('busy')
        for (;;) await Promise.all([client.call('echo', { n: 1 }), toOwn.call('x', {})])
      })`)
    const left = nextEvent(server, 'peer-closed')
    worker.postMessage({ url: server.url, pin: server.pin })
    await nextEvent(worker, 'message')
    await worker.terminate()
    await left
  }
  assert.equal(typeof await (await startClient(t, server)).call('health'), 'object')
})

test('a missing addon is explained', async (t) => {
  const fs = require('node:fs')
  const directory = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'gatewire-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  fs.cpSync(path.dirname(library), path.join(directory, 'lib'), { recursive: true })
  const expected = /gatewire\.node is not there: build it with "make"/
  assert.throws(() => require(path.join(directory, 'lib', 'index.js')), expected)
})
