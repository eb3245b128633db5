'use strict'

const assert = require('node:assert/strict')

const { failure, gatewire, nextEvent, startPair, test } = require('./support.js')

const { CallCancelledError, CallTimeoutError, GatewireError, NotConnectedError, RpcError, UsageError } = gatewire

test('a call is answered by a built-in method', async (t) => {
  const { client } = await startPair(t)
  const health = await client.call('health')
  assert.equal(typeof health, 'object')
})

test('a call is answered by a method of the host', async (t) => {
  const { server, client } = await startPair(t)
  server.method('sum', ({ a, b }) => a + b)
  server.method('later', async ({ text }) => {
    await new Promise(setImmediate)
    return { text }
  })
  assert.equal(await client.call('sum', { a: 1, b: 2 }), 3)
  assert.deepEqual(await client.call('later', { text: 'grüß dich 👋' }), { text: 'grüß dich 👋' })
})

test('params may be JSON as text or bytes, and answers may be taken as bytes', async (t) => {
  const { server, client } = await startPair(t)
  server.method('echo', (params) => params, { raw: true })
  const json = '{"a":1,  "b":[1e2]}'
  assert.deepEqual(await client.call('echo', json), { a: 1, b: [100] })
  assert.equal((await client.call('echo', json, { raw: true })).toString(), json)
  assert.equal((await client.call('echo', Buffer.from(json), { raw: true })).toString(), json)
  assert.equal((await client.call('echo', '{"t":"ü"}', { raw: true })).toString(), '{"t":"ü"}')
})

test('a call without params has none, and an answer without payload is undefined', async (t) => {
  const { server, client } = await startPair(t)
  server.method('nothing', (params) => {
    assert.equal(params, undefined)
  })
  assert.equal(await client.call('nothing'), undefined)
})

test('a result that is text arrives as text, not as JSON', async (t) => {
  const { server, client } = await startPair(t)
  server.method('text', () => 'plain "text"')
  assert.equal(await client.call('text'), 'plain "text"')
})

test('large payloads pass in both directions, ASCII and not', async (t) => {
  const { server, client } = await startPair(t)
  server.method('echo', (params) => params)
  for (const text of ['x'.repeat(1_000_000), 'ü€😀'.repeat(100_000), 'y'.repeat(16 * 1024)]) {
    const answer = await client.call('echo', { text })
    assert.equal(answer.text === text, true)
    assert.equal((await client.call('echo', { text }, { raw: true })).toString(), JSON.stringify({ text }))
  }
})

test('a rejected call brings the code, message and details of the gateway', async (t) => {
  const { server, client } = await startPair(t)
  server.method('no', () => {
    throw new RpcError('NOT_LINKED', 'no such thing', { details: { id: 7 }, retryAfterMs: 1500 })
  })
  server.method('no-later', async () => { throw new RpcError('NOT_PAIRED', 'pair first') })
  const error = await failure(client.call('no'))
  assert.ok(error instanceof RpcError)
  assert.equal(error.code, 'GW_ERR_REJECTED')
  assert.equal(error.gatewayCode, 'NOT_LINKED')
  assert.equal(error.message, 'no such thing')
  assert.deepEqual(error.details, { id: 7 })
  assert.equal(error.retryable, true)
  assert.equal(error.retryAfterMs, 1500)
  assert.equal(error.outcome, 'rejected')
  const later = await failure(client.call('no-later'))
  assert.deepEqual([later.gatewayCode, later.message, later.retryable], ['NOT_PAIRED', 'pair first', false])
})

test('an unknown method is rejected as the gateway says it', async (t) => {
  const { client } = await startPair(t)
  const error = await failure(client.call('no.such'))
  assert.equal(error.gatewayCode, 'INVALID_REQUEST')
  assert.match(error.message, /unknown method: no\.such/)
})

test('a handler that fails tells the peer nothing but that', async (t) => {
  const { server, client } = await startPair(t)
  server.method('broken', () => { throw new Error('the password is 1234') })
  const reported = nextEvent(server, 'method-error')
  const error = await failure(client.call('broken'))
  assert.equal(error.gatewayCode, 'UNAVAILABLE')
  assert.doesNotMatch(error.message, /1234/)
  const [cause, request] = await reported
  assert.equal(cause.message, 'the password is 1234')
  assert.equal(request.method, 'broken')
})

test('a result that JSON cannot hold is a failure of the handler', async (t) => {
  const { server, client } = await startPair(t)
  server.method('function', () => () => {})
  server.method('broken-bytes', () => Buffer.from('{"a":'))
  const reported = []
  server.on('method-error', (error) => reported.push(error))
  for (const method of ['function', 'broken-bytes']) {
    assert.equal((await failure(client.call(method))).gatewayCode, 'UNAVAILABLE')
  }
  assert.ok(reported[0] instanceof TypeError)
  assert.equal(reported[1].code, 'GW_ERR_JSON_TEXT')
})

test('expectFinal passes the accepted answer on and waits for the final one', async (t) => {
  const { server, client } = await startPair(t)
  server.method('run', async (params, request) => {
    request.accept({ runId: 'r1' })
    await new Promise(setImmediate)
    return { status: 'ok', runId: 'r1' }
  })
  const accepted = []
  const final = await client.call('run', {}, { expectFinal: true, onAccepted: (payload) => accepted.push(payload) })
  assert.deepEqual(accepted, [{ status: 'accepted', runId: 'r1' }])
  assert.deepEqual(final, { status: 'ok', runId: 'r1' })
})

test('without expectFinal the accepted answer is the answer', async (t) => {
  const { server, client } = await startPair(t)
  server.method('run', (params, request) => {
    request.accept({ runId: 'r1' })
    return new Promise(() => {})
  })
  assert.deepEqual(await client.call('run'), { status: 'accepted', runId: 'r1' })
})

test('chat.send of the embedded gateway is accepted, streams events, and ends', async (t) => {
  const { client } = await startPair(t)
  const states = []
  client.on('event:chat', (payload) => states.push(payload.state))
  const params = { sessionKey: 'main', message: 'hello', idempotencyKey: 'k1' }
  const final = nextEvent(client, 'event:chat')
  const answer = await client.call('chat.send', params, { expectFinal: true, onAccepted () {} })
  await final
  assert.equal(typeof answer, 'object')
  while (states.at(-1) !== 'final') await nextEvent(client, 'event:chat')
  assert.ok(states.includes('delta'))
})

test('an aborted call ends with the reason of its signal', async (t) => {
  const { server, client } = await startPair(t)
  server.method('hang', () => new Promise(() => {}))
  const controller = new AbortController()
  const call = failure(client.call('hang', {}, { signal: controller.signal }))
  const reason = new Error('changed my mind')
  controller.abort(reason)
  const error = await call
  assert.ok(error instanceof CallCancelledError)
  assert.equal(error.name, 'AbortError')
  assert.equal(error.code, 'GW_ERR_CANCELLED')
  assert.equal(error.cause, reason)
  assert.equal(error.outcome, 'unknown')
})

test('a call with an aborted signal is not sent', async (t) => {
  const { server, client } = await startPair(t)
  server.method('never', () => assert.fail('it ran'))
  const error = await failure(client.call('never', {}, { signal: AbortSignal.abort() }))
  assert.equal(error.code, 'GW_ERR_CANCELLED')
  assert.equal(error.outcome, 'not-sent')
  assert.equal(client.state().callsInFlight, 0)
})

test('an answer takes the listener from the signal', async (t) => {
  const { client } = await startPair(t)
  const controller = new AbortController()
  await client.call('health', {}, { signal: controller.signal })
  controller.abort()
  assert.equal(typeof await client.call('health'), 'object')
})

test('a call that is not answered in time ends with its outcome unknown', async (t) => {
  const { server, client } = await startPair(t)
  server.method('hang', () => new Promise(() => {}))
  const error = await failure(client.call('hang', {}, { timeoutMs: 20 }))
  assert.ok(error instanceof CallTimeoutError)
  assert.ok(error instanceof gatewire.OutcomeUnknownError)
  assert.equal(error.code, 'GW_ERR_CALL_TIMEOUT')
  assert.equal(error.outcome, 'unknown')
})

test('calls in flight end when the client is closed', async (t) => {
  const { server, client } = await startPair(t)
  const arrived = new Promise((resolve) => server.method('hang', () => {
    resolve()
    return new Promise(() => {})
  }))
  const call = failure(client.call('hang'))
  await arrived
  await client.close()
  const error = await call
  assert.ok(error instanceof GatewireError)
  assert.ok(['unknown', 'not-sent'].includes(error.outcome), error.code)
})

test('a call on a closed client is not sent', async (t) => {
  const { client } = await startPair(t)
  await client.close()
  const error = await failure(client.call('health'))
  assert.ok(error instanceof NotConnectedError)
  assert.equal(error.code, 'GW_ERR_GONE')
  assert.equal(error.outcome, 'not-sent')
  assert.equal(client.state().phase, 'closed')
})

test('JSON text that is none is refused before it is sent', async (t) => {
  const { client } = await startPair(t)
  for (const params of ['{"a":', 'nonsense', Buffer.from([0xff, 0xfe])]) {
    const error = await failure(client.call('health', params))
    assert.ok(error instanceof UsageError, String(error))
    assert.equal(error.code, 'GW_ERR_JSON_TEXT')
    assert.equal(error.outcome, 'not-sent')
  }
  assert.equal((await failure(client.call('health', ''))).code, 'GW_ERR_ARGUMENT')
})

test('10,000 calls at once are answered, each with its own answer', async (t) => {
  const { server, client } = await startPair(t, { serverOptions: { maxRequests: 20000 } })
  server.method('double', ({ n }) => n * 2)
  const answers = await Promise.all(Array.from({ length: 10000 }, (_, n) => client.call('double', { n })))
  assert.ok(answers.every((answer, n) => answer === n * 2))
  assert.equal(client.state().callsInFlight, 0)
})

test('calls are made again after the queue has drained', async (t) => {
  const { server, client } = await startPair(t, { clientOptions: { maxQueuedBytes: 1 << 20, deflate: false } })
  server.method('length', (json) => json.length, { raw: true })
  const text = 'x'.repeat(200_000)
  const calls = []
  while (!client.writableNeedDrain) calls.push(client.call('length', { text }))
  await nextEvent(client, 'drain')
  assert.equal(client.writableNeedDrain, false)
  for (const length of await Promise.all(calls)) assert.equal(length, text.length + '{"text":""}'.length)
})
