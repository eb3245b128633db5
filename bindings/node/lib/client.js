'use strict'

const { EventEmitter } = require('node:events')
const { inspect } = require('node:util')

const { addCall, feed, hold, letGo, owners, removeCall, words } = require('./delivery.js')
const { lastError, makeError } = require('./errors.js')
const { EventStream, GatewayEvent } = require('./events.js')
const { native, ID_HIGH, ID_LOW } = require('./native.js')
const {
  checkInteger, checkNames, checkObject, checkText, checkTexts, checkTime, readOptions, wrongType
} = require('./options.js')
const { readRoute } = require('./route.js')
const { answerTrust, readTls, readTrust } = require('./trust.js')

const {
  GW_CALL_EXPECT_FINAL, GW_CLIENT_DEFLATE_TAKEOVER, GW_CLIENT_NO_DEFLATE, GW_CLIENT_NO_DEVICE, GW_CLIENT_NO_RECONNECT,
  GW_CLIENT_PLAINTEXT_ANY, GW_CLIENT_PLAINTEXT_PRIVATE, GW_ERR_CANCELLED, GW_ERR_GONE, GW_EVENT_CLIENT_CLOSED,
  GW_EVENT_CLIENT_CONNECTED, GW_EVENT_CLIENT_DISCONNECTED, GW_EVENT_CLIENT_WARNING, GW_EVENT_CLIENT_WRITABLE,
  GW_EVENT_GAP, GW_EVENT_GATEWAY_EVENT, GW_EVENT_TRUST_REQUEST, GW_QUEUED
} = native.constants

const KINDS = { ...native.clientOptions, route: readRoute, trust: readTrust }

// Options that stand for flags of the library.
const CHOICES = {
  deflate: new Map([[true, 0], [false, GW_CLIENT_NO_DEFLATE], ['takeover', GW_CLIENT_DEFLATE_TAKEOVER]]),
  device: new Map([[true, 0], [false, GW_CLIENT_NO_DEVICE]]),
  plaintext: new Map([
    ['loopback', 0], ['private', GW_CLIENT_PLAINTEXT_PRIVATE], ['any', GW_CLIENT_PLAINTEXT_ANY]
  ]),
  reconnect: new Map([[true, 0], [false, GW_CLIENT_NO_RECONNECT]])
}

const CALL_OPTIONS = ['timeoutMs', 'expectFinal', 'onAccepted', 'signal', 'raw']

const PHASES = [
  'waiting', 'resolve', 'connect', 'tls', 'upgrade', 'challenge', 'hello', 'ready', 'closing', 'closed', 'proxy'
]

const CLOSED = {
  phase: 'closed',
  protocol: 0,
  nextAttemptMs: 0,
  connections: 0,
  attempts: 0,
  callsInFlight: 0,
  queuedBytes: 0,
  roundTripMs: 0,
  deflate: false,
  tls: false,
  resolveMs: 0,
  connectMs: 0,
  proxyMs: 0,
  tlsMs: 0,
  upgradeMs: 0,
  challengeMs: 0,
  helloMs: 0,
  endpoint: 0
}

// Events that wait for one `for await` loop, if it does not say otherwise.
const STREAM_LIMIT = 16384

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

/** Reads the URL and the options of a client: what native.clientOpen takes. */
function readClient (where, url, options) {
  if (typeof url !== 'string' && !(url instanceof URL)) throw wrongType(`${where}: url`, 'a string or a URL', url)
  const text = checkText(`${where}: url`, String(url))
  const { flags, values } = readOptions(where, options, KINDS, CHOICES)
  if (values.pins?.length === 0) {
    throw new TypeError(`${where}: pins must not be empty; leave the option out to trust by the CA chain`)
  }
  return { text, flags, values }
}

class Client extends EventEmitter {
  #place = -1
  #url
  #hello
  #isConnected = false
  #isHeld = false
  #needDrain = false
  #ask
  #end // {error} after the last event
  #closing // promise of close()
  #streams = new Set()

  constructor (url, options = {}) {
    super()
    const { text, flags, values } = readClient('Client', url, options)
    const place = native.clientOpen(text, flags, values)
    if (place < 0) throw lastError(place)
    this.#place = place
    this.#ask = values.trust?.ask
    // What may carry credentials is not kept.
    this.#url = text.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//')
    owners[place] = this
    this.ref()
  }

  get url () {
    return this.#url
  }

  /** What the gateway said when the present or last connection began. */
  get hello () {
    return this.#hello
  }

  get isConnected () {
    return this.#isConnected
  }

  /** Whether to hold back until 'drain'. */
  get writableNeedDrain () {
    return this.#needDrain
  }

  state () {
    const state = native.clientState(this.#place)
    if (typeof state === 'number') return { ...CLOSED }
    return { ...state, phase: PHASES[state.phase] ?? 'unknown', deflate: state.deflate !== 0, tls: state.tls !== 0 }
  }

  /** What TLS agreed on; undefined without a connection or without TLS. */
  tls () {
    return readTls(native.clientTls(this.#place))
  }

  /** Replaces the pins, all at once, for every TLS handshake that begins from now on. */
  setPins (pins) {
    const status = native.clientSetPins(this.#place, { pins: checkTexts('setPins: pins', pins) })
    if (status < 0) throw lastError(status)
  }

  /** The hello of the connection, at once or when there is one; rejects when the client ends. */
  ready (options = {}) {
    return new Promise((resolve, reject) => {
      checkObject('ready: options', options)
      checkNames('ready', options, ['signal'])
      const signal = options.signal === undefined ? undefined : checkSignal('ready: signal', options.signal)
      if (signal?.aborted) throw cancelled(signal)
      if (this.#end !== undefined) throw this.#end.error ?? makeError(GW_ERR_GONE, 'the client is closed', { actor: 1 })
      if (this.#isConnected) {
        resolve(this.#hello)
        return
      }
      const stop = () => {
        this.off('connected', onConnected)
        this.off('closed', onClosed)
        signal?.removeEventListener('abort', onAbort)
      }
      const onConnected = (hello) => {
        stop()
        resolve(hello)
      }
      const onClosed = (error) => {
        stop()
        reject(error ?? makeError(GW_ERR_GONE, 'the client was closed', { actor: 1 }))
      }
      const onAbort = () => {
        stop()
        reject(cancelled(signal))
      }
      this.on('connected', onConnected)
      this.on('closed', onClosed)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  call (method, params, options) {
    return new Promise((resolve, reject) => {
      if (typeof method !== 'string' || method === '') throw wrongType('call: method', 'a non-empty string', method)
      const json = writeParams(params)
      const call = new Call(resolve, reject)
      let flags = 0
      let timeout = 0
      if (options !== undefined) {
        readCallOptions(options, call)
        if (options.expectFinal) flags = GW_CALL_EXPECT_FINAL
        if (options.timeoutMs !== undefined) timeout = checkTime('call: timeoutMs', options.timeoutMs)
      }
      const number = addCall(call)
      let status = GW_ERR_GONE
      try {
        status = native.clientCall(this.#place, number, method, json, flags, timeout)
      } finally {
        if (status < 0) removeCall(number)
      }
      if (status < 0) throw lastError(status, { outcome: 'not-sent' })
      if (status === GW_QUEUED) this.#needDrain = true
      if (call.signal !== undefined) this.#watchSignal(call)
    })
  }

  #watchSignal (call) {
    const low = words[ID_LOW]
    const high = words[ID_HIGH]
    call.onAbort = () => native.clientCancel(this.#place, low, high)
    call.signal.addEventListener('abort', call.onAbort, { once: true })
  }

  /** Events of the gateway for `for await`. */
  events (options = {}) {
    checkObject('events: options', options)
    checkNames('events', options, ['names', 'limit'])
    const { names, limit = STREAM_LIMIT } = options
    if (names !== undefined && !Array.isArray(names)) throw wrongType('events: names', 'an array of strings', names)
    const stream = new EventStream({
      names: names === undefined ? undefined : new Set(names.map((name, i) => checkText(`events: names[${i}]`, name))),
      limit: checkInteger('events: limit', limit, 1, Number.MAX_SAFE_INTEGER, 'a whole number above 0'),
      onReturn: (ended) => this.#streams.delete(ended)
    })
    if (this.#end !== undefined) stream.finish(this.#end.error)
    else this.#streams.add(stream)
    return stream
  }

  /** Hands what was sent to the kernel now instead of at the end of this turn. */
  flush () {
    native.flush()
  }

  /** Resolves when the connection has ended, whatever it ended with. */
  async close (code, reason = '') {
    const expected = 'a close code from 1000 to 4999'
    const number = code === undefined ? 0 : checkInteger('close: code', code, 1000, 4999, expected)
    checkText('close: reason', reason)
    if (this.#closing === undefined && this.#end === undefined) {
      const status = native.clientClose(this.#place, number, reason)
      if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
      this.#closing = new Promise((resolve) => this.once('closed', () => resolve()))
    }
    return this.#closing
  }

  /** Keeps the process alive while the client is open, which is the default. */
  ref () {
    if (!this.#isHeld && this.#place >= 0) {
      this.#isHeld = true
      hold()
    }
    return this
  }

  /** Lets the process end although the client is open. */
  unref () {
    if (this.#isHeld) {
      this.#isHeld = false
      letGo()
    }
    return this
  }

  [feed] (notice) {
    switch (notice.type) {
      case GW_EVENT_GATEWAY_EVENT:
        this.#gatewayEvent(notice)
        break
      case GW_EVENT_CLIENT_CONNECTED:
        this.#hello = notice.payload.parse()
        this.#isConnected = true
        this.emit('connected', this.#hello)
        break
      case GW_EVENT_CLIENT_DISCONNECTED:
        this.#isConnected = false
        this.emit('disconnected', notice.error())
        break
      case GW_EVENT_CLIENT_WARNING:
        this.emit('warning', notice.error())
        break
      case GW_EVENT_CLIENT_WRITABLE:
        this.#needDrain = false
        this.emit('drain')
        break
      case GW_EVENT_GAP:
        this.emit('gap', { seq: sequence(notice), missing: notice.code })
        break
      case GW_EVENT_TRUST_REQUEST:
        answerTrust(this.#ask, notice)
        break
      case GW_EVENT_CLIENT_CLOSED:
        this.#closed(notice.status === 0 ? null : notice.error())
        break
    }
  }

  #gatewayEvent (notice) {
    const event = new GatewayEvent(notice.name, sequence(notice), notice.payload)
    for (const stream of this.#streams) stream.push(event)
    this.emit('event', event)
    const name = `event:${event.name}`
    if (this.listenerCount(name) > 0) this.emit(name, event.payload, event)
  }

  #closed (error) {
    const place = this.#place
    this.unref()
    this.#place = -1
    this.#isConnected = false
    this.#end = { error }
    owners[place] = undefined
    native.release(place)
    for (const stream of this.#streams) stream.finish(error)
    this.#streams.clear()
    this.emit('closed', error)
  }

  [inspect.custom] () {
    return `Client { url: '${this.#url}', phase: '${this.state().phase}' }`
  }
}

/** undefined for an event without a number */
function sequence (notice) {
  return notice.sequenceHigh === 0xffffffff ? undefined : notice.sequenceHigh * 0x100000000 + notice.sequenceLow
}

function readCallOptions (options, call) {
  checkObject('call: options', options)
  checkNames('call', options, CALL_OPTIONS)
  const { expectFinal, onAccepted, raw, signal } = options
  if (expectFinal !== undefined && typeof expectFinal !== 'boolean') {
    throw wrongType('call: expectFinal', 'a boolean', expectFinal)
  }
  if (raw !== undefined && typeof raw !== 'boolean') throw wrongType('call: raw', 'a boolean', raw)
  if (onAccepted !== undefined && typeof onAccepted !== 'function') {
    throw wrongType('call: onAccepted', 'a function', onAccepted)
  }
  if (onAccepted !== undefined && !expectFinal) throw new TypeError('call: onAccepted needs expectFinal: true')
  if (signal !== undefined && checkSignal('call: signal', signal).aborted) throw cancelled(signal, 'not-sent')
  call.raw = raw === true
  call.onAccepted = onAccepted
  call.signal = signal
}

/**
 * Opens a client and waits for its first hello.  If the first attempt fails, so does this, unless it is told to keep
 * trying; a client whose hello did not come is closed.
 */
async function connect (url, options = {}) {
  checkObject('connect: options', options)
  const { signal, keepTrying = false, ...rest } = options
  if (signal !== undefined && checkSignal('connect: signal', signal).aborted) throw cancelled(signal)
  if (typeof keepTrying !== 'boolean') throw wrongType('connect: keepTrying', 'a boolean', keepTrying)
  const client = new Client(url, rest)
  let failed
  const firstFailure = new Promise((resolve, reject) => { failed = reject })
  if (!keepTrying) client.once('disconnected', failed)
  try {
    await Promise.race([client.ready({ signal }), firstFailure])
  } catch (error) {
    client.close()
    throw error
  } finally {
    client.off('disconnected', failed)
  }
  return client
}

module.exports = { Client, cancelled, checkSignal, connect, readClient }
