'use strict'

// What the tests share: servers and clients that end with the test, processes and threads, and waiting with a deadline.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const nodeTest = require('node:test')
const v8 = require('node:v8')
const vm = require('node:vm')
const { Worker } = require('node:worker_threads')

const gatewire = require('../lib/index.js')

const DEADLINE_MS = 20000

const library = path.join(__dirname, '..', 'lib', 'index.js')

/** A test that fails when it takes too long, because nothing here waits for a fixed time. */
function test (name, body, { timeout = DEADLINE_MS } = {}) {
  nodeTest(name, { timeout }, body)
}

/** A gateway that asks for a token, over TLS. */
async function startServer (t, options = {}) {
  const server = await gatewire.serve({ token: 'secret', ...options })
  t.after(() => server.stop())
  return server
}

async function startClient (t, server, options = {}) {
  const client = await gatewire.connect(server.url, { token: 'secret', pins: server.pin, ...options })
  t.after(() => client.close())
  return client
}

async function startPair (t, { serverOptions, clientOptions } = {}) {
  const server = await startServer(t, serverOptions)
  return { server, client: await startClient(t, server, clientOptions) }
}

/** A WebSocket server, over TLS, and a client of it. */
function startWebSocketServer (t, options = {}) {
  const server = new gatewire.WebSocketServer(options)
  t.after(() => server.close())
  return server
}

function startWebSocket (t, server, { path = '/', protocols = [], ...options } = {}) {
  const socket = new gatewire.WebSocket(server.url + path, protocols, { pins: server.pin, ...options })
  t.after(() => socket.close())
  return socket
}

/** Both ends of a connection, open, and what the server was asked. */
async function openWebSockets (t, { serverOptions, clientOptions } = {}) {
  const server = startWebSocketServer(t, serverOptions)
  const connected = nextEvent(server, 'connection')
  const client = startWebSocket(t, server, clientOptions)
  await client.opened()
  const [peer, request] = await connected
  return { server, client, peer, request }
}

/** The arguments of the next event with this name. */
function nextEvent (emitter, name) {
  return once(emitter, name)
}

/** What a promise was rejected with. */
async function failure (promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was expected to fail')
}

/** Runs the garbage collector until a condition holds; the deadline is the test's. */
async function collectUntil (condition) {
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc')
  while (!condition()) {
    collect()
    await new Promise(setImmediate)
  }
}

/** Runs a program in a process of its own until it ends by itself. */
function run (t, program, flags = []) {
  const source = `const gatewire = require(${JSON.stringify(library)});(async () => {${program}})()`
  const child = spawn(process.execPath, [...flags, '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (data) => { output += data })
  child.stderr.on('data', (data) => { output += data })
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })))
}

function inWorker (t, program) {
  const source = `const gatewire = require(${JSON.stringify(library)})
    const { parentPort, workerData } = require('node:worker_threads');
    (async () => {${program}})()`
  const worker = new Worker(source, { eval: true })
  t.after(() => worker.terminate())
  return worker
}

module.exports = {
  collectUntil, failure, gatewire, inWorker, library, nextEvent, openWebSockets, run, startClient, startPair,
  startServer, startWebSocket, startWebSocketServer, test
}
