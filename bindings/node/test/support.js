'use strict'

// What the tests share: a gateway and a client that end with the test, and waiting with a deadline.

const { once } = require('node:events')
const nodeTest = require('node:test')
const v8 = require('node:v8')
const vm = require('node:vm')

const gatewire = require('../lib/index.js')

const DEADLINE_MS = 20000

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

module.exports = { collectUntil, failure, gatewire, nextEvent, startClient, startPair, startServer, test }
