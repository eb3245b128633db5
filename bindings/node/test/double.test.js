'use strict'

// The gateway of Tests/Peers/gateway_double.py, on python websockets and cryptography, as the client's counterpart.

const assert = require('node:assert/strict')
const { execFileSync, spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const { once } = require('node:events')
const os = require('node:os')
const path = require('node:path')
const nodeTest = require('node:test')
const readline = require('node:readline')

const { failure, gatewire, nextEvent, test } = require('./support.js')

const root = path.join(__dirname, '..', '..', '..')
const program = path.join(root, 'Tests', 'Peers', 'gateway_double.py')

/** GATEWIRE_PYTHON, or the first of these that has what the double needs. */
function findPython () {
  const candidates = [
    process.env.GATEWIRE_PYTHON, path.join(root, 'build', 'venv', 'bin', 'python'), 'python3'
  ]
  return candidates.find((python) => python !== undefined &&
    spawnSync(python, ['-c', 'import websockets.asyncio.server, cryptography']).status === 0)
}

const python = findPython()
const missing = !fs.existsSync(program)
  ? `${program} is not there`
  : python === undefined && 'no python has websockets and cryptography; name one in GATEWIRE_PYTHON'
const check = missing ? (name) => nodeTest(name, { skip: missing }, () => {}) : test

/** A double with a certificate of its own; ends with the test. */
async function startDouble (t, { tls = true, args = [] } = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'gatewire-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const given = ['--port', '0', '--print-port', '--until-eof', '--token', 'secret', ...args]
  let pin
  if (tls) {
    const files = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')]
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
      '-subj', '/CN=double', '-out', files[0], '-keyout', files[1]
    ], { stdio: 'ignore' })
    given.push('--tls', ...files)
    pin = new (require('node:crypto').X509Certificate)(fs.readFileSync(files[0])).fingerprint256
  }
  const journal = path.join(directory, 'journal.jsonl')
  const child = spawn(python, [program, ...given, '--journal', journal], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.stdin.end())
  const [port] = await once(readline.createInterface(child.stdout), 'line')
  return {
    url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}`,
    pin,
    journal: () => fs.readFileSync(journal, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
  }
}

async function startClient (t, double, options = {}) {
  const client = await gatewire.connect(double.url, { token: 'secret', pins: double.pin, ...options })
  t.after(() => client.close())
  return client
}

for (const protocol of ['3', '4']) {
  check(`the client passes the checks of a gateway of protocol ${protocol}`, async (t) => {
    const double = await startDouble(t, { args: ['--protocol', protocol] })
    const client = await startClient(t, double)
    assert.equal(client.hello.type, 'hello-ok')
    assert.equal(client.state().protocol, Number(protocol))
    assert.equal(client.state().tls, true)
    assert.equal(client.state().deflate, true)
    assert.equal(typeof await client.call('health'), 'object')
    await client.close(1000, 'done')
  })
}

check('a client that says all it can of itself passes too', async (t) => {
  const double = await startDouble(t)
  const client = await startClient(t, double, {
    clientId: 'cli',
    clientMode: 'cli',
    clientVersion: '9.9.9',
    displayName: 'Größe',
    platform: 'Linux ',
    deviceFamily: 'Server',
    instanceId: 'i-1',
    role: 'operator',
    scopes: ['operator.write', 'operator.read'],
    caps: ['tool-events'],
    locale: 'de-DE',
    userAgent: 'test/1',
    headers: { 'X-Test': 'yes' },
    deflate: false
  })
  assert.equal(client.state().deflate, false)
  assert.equal(typeof await client.call('health'), 'object')
})

check('a wrong pin sends nothing to the gateway', async (t) => {
  const double = await startDouble(t)
  const error = await failure(startClient(t, double, { pins: 'ab'.repeat(32) }))
  assert.ok(error instanceof gatewire.PinError)
  assert.deepEqual(double.journal(), [])
})

check('a wrong token is refused', async (t) => {
  const double = await startDouble(t)
  const error = await failure(startClient(t, double, { token: 'wrong' }))
  assert.equal(error.code, 'GW_ERR_CONNECT_REJECTED')
  assert.equal(error.gatewayCode, 'AUTH_TOKEN_MISMATCH')
  assert.equal(error.actor, 'user')
})

check('a gateway without a challenge is given up in time', async (t) => {
  const double = await startDouble(t, { args: ['--fault', 'no-challenge'] })
  const error = await failure(startClient(t, double, { challengeTimeoutMs: 50 }))
  assert.equal(error.code, 'GW_ERR_CHALLENGE_TIMEOUT')
})

check('frames that break the protocol are warned of, and the connection goes on', async (t) => {
  const double = await startDouble(t)
  const client = await startClient(t, double)
  for (const [text, code] of [
    ['{', 'GW_ERR_JSON'], ['{"type":"event","event":""}', 'GW_ERR_FRAME'],
    ['{"type":"res","id":"no-such-call","ok":true}', 'GW_ERR_UNKNOWN_ID']
  ]) {
    const warned = nextEvent(client, 'warning')
    await client.call('double.do', { actions: [{ send: text }] })
    const [warning] = await warned
    assert.equal(warning.code, code)
  }
  assert.equal(typeof await client.call('health'), 'object')
})

check('a gap in the events is told before the event that shows it', async (t) => {
  const double = await startDouble(t)
  const client = await startClient(t, double)
  const order = []
  client.on('gap', ({ seq, missing }) => order.push(['gap', missing]))
  client.on('event:x', () => order.push(['event']))
  await client.call('double.do', { actions: [{ event: 'x', payload: 1 }, { event: 'x', payload: 2, skip: 3 }] })
  while (order.length < 3) await nextEvent(client, 'event:x')
  assert.deepEqual(order, [['event'], ['gap', 3], ['event']])
})

check('a client comes back after the connection was cut', async (t) => {
  const double = await startDouble(t)
  const client = await startClient(t, double, { reconnectInitialMs: 5, reconnectMaxMs: 20 })
  const lost = nextEvent(client, 'disconnected')
  const call = failure(client.call('double.do', { actions: [{ cut: 'reset' }] }))
  const [error] = await lost
  assert.ok(error instanceof gatewire.GatewireError)
  assert.equal(error.retryable, true)
  assert.equal((await call).outcome, 'unknown')
  await client.ready()
  assert.equal(typeof await client.call('health'), 'object')
})

const vectors = path.join(root, 'Tests', 'Vectors', 'openclaw', 'frames.json')

check('frames.json: expectFinal', async (t) => {
  const double = await startDouble(t)
  const client = await startClient(t, double)
  client.on('warning', () => {}) // answers after the last one are unknown
  const { expectFinal: cases } = JSON.parse(fs.readFileSync(vectors, 'utf8'))
  assert.ok(cases.length > 0)
  for (const { name, expectFinal, responses, acceptedNotified, settledBy, outcome } of cases) {
    const frames = responses.map((response) => JSON.stringify({ type: 'res', id: '$id', ...response }))
    let accepted = 0
    const onAccepted = expectFinal ? () => accepted++ : undefined
    const call = client.call('double.answer', { frames }, { expectFinal, onAccepted })
    const settled = responses[settledBy]
    if (outcome === 'resolve') assert.deepEqual(await call, settled.payload, name)
    else assert.equal((await failure(call)).gatewayCode, settled.error.code, name)
    assert.equal(accepted, acceptedNotified, name)
  }
})
