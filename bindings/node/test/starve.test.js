'use strict'

// A program that computes for longer than its gateway waits for a pong.  GATEWIRE_STARVE=long: 90 s against 10 s.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')

const { gatewire, nextEvent, startClient, startServer, test } = require('./support.js')

const isLong = process.env.GATEWIRE_STARVE === 'long'
const library = path.join(__dirname, '..', 'lib', 'index.js')
const BUSY_MS = isLong ? 90000 : 4000
const PONG_MS = isLong ? 10000 : 1000

/** What a program does that connects, computes without a break, and then says how often it has connected. */
async function starve (gatewire, url, takeoverMs, busyMs) {
  if (takeoverMs !== undefined) gatewire.configure({ takeoverMs })
  const client = await gatewire.connect(url, { reconnectInitialMs: 1, reconnectMaxMs: 50 })
  const answer = client.call('health')
  let sum = 0
  for (const end = Date.now() + busyMs; Date.now() < end;) for (let i = 0; i < 1e6; i++) sum = (sum * 31 + i) % 1000003
  const answered = await answer.then(() => true, () => false)
  if (!client.isConnected) await client.ready()
  await client.call('health')
  console.log(JSON.stringify({ answered, connections: client.state().connections, sum: sum >= 0 }))
  await client.close()
}

/** Runs it in a process of its own, against a gateway of this one, which is awake all the time. */
async function run (t, takeoverMs) {
  const server = await startServer(t, {
    plaintext: true, token: undefined, pingIntervalMs: PONG_MS / 3 | 0, pongTimeoutMs: PONG_MS
  })
  const program = `(${starve})(require(${JSON.stringify(library)}), ${JSON.stringify(server.url)}, ${takeoverMs}, ${BUSY_MS})`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (data) => { output += data })
  const [code] = await nextEvent(child, 'close')
  assert.equal(code, 0, output)
  return JSON.parse(output)
}

const limit = { timeout: BUSY_MS + 20000 }

test('the library is configured before its first client', async (t) => {
  assert.throws(() => gatewire.configure({ takeoverMs: 1.5 }), /takeoverMs must be a whole number/)
  assert.throws(() => gatewire.configure({ takeover: 1 }), /no option "takeover"/)
  gatewire.configure({ takeoverMs: 0 })
  gatewire.configure({})
  await startServer(t)
  assert.throws(() => gatewire.configure({ takeoverMs: 5 }), { code: 'GW_ERR_STATE' })
})

test('the link outlives a program that computes', async (t) => {
  // The default is too long for the short form's limit.
  const { answered, connections } = await run(t, isLong ? undefined : 100)
  assert.deepEqual({ answered, connections }, { answered: true, connections: 1 })
}, limit)

test('without a thread it does not', async (t) => {
  const { connections } = await run(t, 'Infinity')
  assert.ok(connections > 1)
}, limit)

test('another network ends the wait for the next attempt', async (t) => {
  const first = await startServer(t, { plaintext: true })
  const client = await startClient(t, first, { pins: undefined, reconnectInitialMs: 3600000, reconnectMaxMs: 3600000 })
  gatewire.networkChanged()
  await client.call('health')
  assert.equal(client.state().connections, 1)
  const lost = nextEvent(client, 'disconnected')
  await first.stop()
  await lost
  await startServer(t, { plaintext: true, port: first.port })
  gatewire.networkChanged()
  await client.ready()
  assert.equal(client.state().connections, 2)
})
