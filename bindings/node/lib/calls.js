'use strict'

// Calls and their options, and the options for what connections begin with.

const { addCall, removeCall, words } = require('./delivery.js')
const { lastError, makeError } = require('./errors.js')
const { native, ID_HIGH, ID_LOW } = require('./native.js')
const { checkBoolean, checkFunction, checkNames, checkObject, checkText, checkTime, readOptions, wrongType, wrongValue } =
  require('./options.js')

const { GW_CALL_EXPECT_FINAL, GW_CALL_IDEMPOTENT, GW_CALL_ONLINE_ONLY, GW_ERR_CANCELLED, GW_ERR_GONE } = native.constants

const CALL_OPTIONS = [
  'timeoutMs', 'expectFinal', 'onAccepted', 'signal', 'raw', 'idempotent', 'traceparent', 'onlineOnly'
]

// As many as the library takes.
const SYNC_CALLS = 32

/** A call that has not ended. */
class Call {
  constructor (resolve, reject) {
    this.resolve = resolve
    this.reject = reject
    this.raw = false
    this.onAccepted = undefined
    this.signal = undefined
    this.onAbort = undefined
  }
}

/** JSON given as text or bytes goes out as it is. */
function writeParams (params) {
  if (params === undefined || typeof params === 'string' || params instanceof Uint8Array) return params
  const json = JSON.stringify(params)
  if (json === undefined) throw wrongType('call: params', 'an object, or JSON as text or bytes', params)
  return json
}

function checkSignal (name, signal) {
  if (signal === null || typeof signal !== 'object' || typeof signal.addEventListener !== 'function') {
    throw wrongType(name, 'an AbortSignal', signal)
  }
  return signal
}

function cancelled (signal, outcome) {
  return makeError(GW_ERR_CANCELLED, '', { actor: 1, outcome, cause: signal.reason })
}

/** What is not plain about a call: { flags, timeout, key, trace }. */
function readCallOptions (options, call) {
  checkObject('call: options', options)
  checkNames('call', options, CALL_OPTIONS)
  const { expectFinal = false, onAccepted, raw = false, signal, timeoutMs, idempotent = false } = options
  const { traceparent: trace, onlineOnly = false } = options
  checkBoolean('call: expectFinal', expectFinal)
  checkBoolean('call: raw', raw)
  checkBoolean('call: onlineOnly', onlineOnly)
  if (onAccepted !== undefined) checkFunction('call: onAccepted', onAccepted)
  if (onAccepted !== undefined && !expectFinal) throw new TypeError('call: onAccepted needs expectFinal: true')
  if (typeof idempotent !== 'boolean') checkText('call: idempotent', idempotent)
  if (trace !== undefined) checkText('call: traceparent', trace)
  if (signal !== undefined && checkSignal('call: signal', signal).aborted) throw cancelled(signal, 'not-sent')
  call.raw = raw
  call.onAccepted = onAccepted
  call.signal = signal
  return {
    flags: (expectFinal ? GW_CALL_EXPECT_FINAL : 0) | (idempotent === false ? 0 : GW_CALL_IDEMPOTENT) |
      (onlineOnly ? GW_CALL_ONLINE_ONLY : 0),
    timeout: timeoutMs === undefined ? 0 : checkTime('call: timeoutMs', timeoutMs),
    key: typeof idempotent === 'string' ? idempotent : undefined,
    trace
  }
}

/** Starts a call on the client at a place; its status. */
function startCall (place, method, params, options, resolve, reject) {
  if (typeof method !== 'string' || method === '') throw wrongType('call: method', 'a non-empty string', method)
  const json = writeParams(params)
  const call = new Call(resolve, reject)
  const given = options === undefined ? undefined : readCallOptions(options, call)
  const number = addCall(call)
  let status = GW_ERR_GONE
  try {
    if (given === undefined) status = native.clientCall(place, number, method, json, 0, 0)
    else {
      const { flags, timeout, key, trace } = given
      status = native.clientCallWith(place, number, method, json, flags, timeout, key, trace)
    }
  } finally {
    if (status < 0) removeCall(number)
  }
  if (status < 0) throw lastError(status, { outcome: 'not-sent' })
  if (call.signal !== undefined) watchSignal(place, call)
  return status
}

function watchSignal (place, call) {
  const low = words[ID_LOW]
  const high = words[ID_HIGH]
  call.onAbort = () => native.clientCancel(place, low, high)
  call.signal.addEventListener('abort', call.onAbort, { once: true })
}

// --- options of a client: kinds for readOptions ---

function readOffline (name, value) {
  return readOptions(name, value, native.offlineOptions, {}).values
}

function readResync (name, value) {
  return readOptions(name, value, native.resyncOptions, {}).values
}

/** Methods and params as JSON, one after the other. */
function readSync (name, value) {
  if (!Array.isArray(value)) throw wrongType(name, 'an array', value)
  if (value.length > SYNC_CALLS) throw wrongValue(name, `at most ${SYNC_CALLS} calls`, value)
  return value.flatMap((call, i) => {
    const [method, params] = Array.isArray(call) ? call : [call]
    const json = params === undefined ? '' : typeof params === 'string' ? params : JSON.stringify(params)
    return [checkText(`${name}[${i}]`, method), checkText(`${name}[${i}]`, json)]
  })
}

module.exports = { cancelled, checkSignal, readOffline, readResync, readSync, startCall, writeParams }
