'use strict'

const assert = require('node:assert/strict')

const { failure, gatewire, startServer, startWebSocketServer, test } = require('./support.js')

const NAMES = ['name', 'tcp', 'proxy', 'tls', 'pin', 'upgrade', 'challenge', 'auth', 'tick']

test('a doctor finds a gateway good, step by step', async (t) => {
  const server = await startServer(t, { tickIntervalMs: 50 })
  const told = []
  const onStep = (step) => told.push(step)
  const steps = await gatewire.doctor(server.url, { token: 'secret', pins: server.pin, onStep })
  assert.deepEqual(steps.map((step) => step.name), NAMES)
  assert.deepEqual(told, steps)
  for (const step of steps) {
    assert.equal(step.code, 'GW_OK')
    assert.equal(step.result, ['name', 'proxy'].includes(step.name) ? 'skipped' : 'passed', step.text)
  }
  assert.equal(steps[4].details.seen[0], server.pin)
  assert.deepEqual(steps[7].details.scopes, ['operator.read', 'operator.write'])
  assert.ok(steps[8].milliseconds > 0)
})

test('a doctor says what is wrong, and who must act', async (t) => {
  const server = await startServer(t)
  const steps = await gatewire.doctor(server.url, { token: 'wrong', pins: server.pin })
  const failed = steps.filter((step) => step.result === 'failed')
  assert.deepEqual(failed.map(({ name, code, actor }) => ({ name, code, actor })), [
    { name: 'auth', code: 'GW_ERR_CONNECT_REJECTED', actor: 'user' }
  ])
  assert.match(failed[0].text, /give the token that the gateway has now/)
  assert.equal(steps[8].result, 'skipped')
  assert.equal(steps[8].text, 'not reached')
})

test('a doctor is given up through its signal', async (t) => {
  const server = startWebSocketServer(t, { plaintext: true })
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `ws://127.0.0.1:${server.address().port}`
  const controller = new AbortController()
  const onStep = (step) => { if (step.name === 'upgrade') controller.abort() }
  const error = await failure(gatewire.doctor(url, { onStep, signal: controller.signal }))
  assert.equal(error.name, 'AbortError')
})

test('wrong options of a doctor are refused', async () => {
  const wrong = (url, options) => failure(gatewire.doctor(url, options))
  assert.match((await wrong('ws://localhost', { tik: false })).message, /doctor: there is no option "tik"/)
  assert.match((await wrong('ws://localhost', { tick: 1 })).message, /doctor: tick must be a boolean/)
  assert.equal((await wrong('ftp://localhost')).code, 'GW_ERR_URL')
})
