'use strict'

const { EventEmitter } = require('node:events')
const { inspect } = require('node:util')

const { cancelled, checkSignal, readOffline, readResync, readSync, startCall, writeParams } = require('./calls.js')
const { answerCredentials, checkExtraParams, checkPermissions, setCredentials } = require('./credentials.js')
const { feed, hold, joinId, letGo, owners, words } = require('./delivery.js')
const { lastError, makeError } = require('./errors.js')
const { EventStream, GatewayEvent } = require('./events.js')
const { native, ID_HIGH, ID_LOW } = require('./native.js')
const {
  checkFunction, checkInteger, checkNames, checkObject, checkText, checkTexts, checkTime, readOptions, wrongType
} = require('./options.js')
const { logEntry, readDump, readObserve, readStats } = require('./observe.js')
const { readRoute } = require('./route.js')
const { answerTrust, readTls, readTrust } = require('./trust.js')

const {
  GW_CLIENT_ANY_NAMES, GW_CLIENT_ASK_CREDENTIALS, GW_CLIENT_DEFLATE_TAKEOVER, GW_CLIENT_NEW_PARAMS,
  GW_CLIENT_NO_DEFLATE, GW_CLIENT_NO_DEVICE, GW_CLIENT_NO_RECONNECT, GW_CLIENT_PAUSE, GW_CLIENT_PLAINTEXT_ANY,
  GW_CLIENT_PLAINTEXT_PRIVATE, GW_ERR_GONE, GW_EVENT_CLIENT_CLOSED, GW_EVENT_CLIENT_CONNECTED,
  GW_EVENT_CLIENT_DISCONNECTED, GW_EVENT_CLIENT_WARNING, GW_EVENT_CLIENT_WRITABLE, GW_EVENT_CREDENTIALS_REQUEST,
  GW_EVENT_GAP, GW_EVENT_GATEWAY_EVENT, GW_EVENT_LOG, GW_EVENT_RESYNC, GW_EVENT_SUBSCRIBED, GW_EVENT_SYNCED,
  GW_EVENT_TRUST_REQUEST, GW_QUEUED, GW_RESYNC_GAP
} = native.constants

const KINDS = {
  ...native.clientOptions,
  route: readRoute,
  trust: readTrust,
  credentials: checkFunction,
  permissions: checkPermissions,
  extraParams: checkExtraParams,
  offline: readOffline,
  resync: readResync,
  initialSync: readSync,
  observe: readObserve
}

// Options that stand for flags of the library.
const CHOICES = {
  deflate: new Map([[true, 0], [false, GW_CLIENT_NO_DEFLATE], ['takeover', GW_CLIENT_DEFLATE_TAKEOVER]]),
  device: new Map([[true, 0], [false, GW_CLIENT_NO_DEVICE]]),
  plaintext: new Map([
    ['loopback', 0], ['private', GW_CLIENT_PLAINTEXT_PRIVATE], ['any', GW_CLIENT_PLAINTEXT_ANY]
  ]),
  reconnect: new Map([[true, 0], [false, GW_CLIENT_NO_RECONNECT]]),
  pause: new Map([[false, 0], [true, GW_CLIENT_PAUSE]]),
  newParams: new Map([[false, 0], [true, GW_CLIENT_NEW_PARAMS]]),
  anyNames: new Map([[false, 0], [true, GW_CLIENT_ANY_NAMES]])
}

const PHASES = [
  'waiting', 'resolve', 'connect', 'tls', 'upgrade', 'challenge', 'hello', 'ready', 'closing', 'closed', 'proxy',
  'paused'
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

/** Reads the URL and the options of a client: what native.clientOpen takes. */
function readClient (where, url, options) {
  if (typeof url !== 'string' && !(url instanceof URL)) throw wrongType(`${where}: url`, 'a string or a URL', url)
  const text = checkText(`${where}: url`, String(url))
  const { flags, values } = readOptions(where, options, KINDS, CHOICES)
  if (values.pins?.length === 0) {
    throw new TypeError(`${where}: pins must not be empty; leave the option out to trust by the CA chain`)
  }
  const { credentials, ...rest } = values
  const asking = credentials === undefined ? 0 : GW_CLIENT_ASK_CREDENTIALS
  return { text, flags: flags | asking, values: rest, credentials }
}

class Client extends EventEmitter {
  #place = -1
  #url
  #hello
  #isConnected = false
  #isHeld = false
  #needDrain = false
  #ask
  #credentials
  #end // {error} after the last event
  #closing // promise of close()
  #streams = new Set()

  constructor (url, options = {}) {
    super()
    const { text, flags, values, credentials } = readClient('Client', url, options)
    const place = native.clientOpen(text, flags, values)
    if (place < 0) throw lastError(place)
    this.#place = place
    this.#ask = values.trust?.ask
    this.#credentials = credentials
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

  /** Sums over the client's whole life. */
  stats () {
    return readStats(this.#place)
  }

  /** What the flight recorder holds, the oldest first. */
  dump () {
    return readDump(this.#place)
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

  /** Replaces the credentials, from the next attempt on; a paused client needs resume(), too. */
  setCredentials (credentials) {
    setCredentials(this.#place, credentials)
  }

  /** Begins a new attempt now, for a client that is paused or waits for its next one. */
  resume () {
    const status = native.clientResume(this.#place)
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
      if (startCall(this.#place, method, params, options, resolve, reject) === GW_QUEUED) this.#needDrain = true
    })
  }

  /** Calls a method on this connection and on each that comes; gives the number of the subscription. */
  subscribe (method, params) {
    const status = native.clientSubscribe(this.#place, checkText('subscribe: method', method), writeParams(params))
    if (status < 0) throw lastError(status)
    return joinId(words[ID_LOW], words[ID_HIGH])
  }

  /** Forgets a subscription; nothing is sent. */
  unsubscribe (subscription) {
    const status = native.clientUnsubscribe(this.#place, ...splitId('unsubscribe: subscription', subscription))
    if (status < 0) throw lastError(status)
  }

  /** The program has caught up: whether events were held for it, which come now. */
  resynced ({ id }) {
    const status = native.clientResynced(this.#place, ...splitId('resynced: id', id))
    if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
    return status === 0
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
        this.emit('disconnected', notice.error(), { paused: notice.isPaused })
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
      case GW_EVENT_RESYNC:
        this.emit('stale', {
          id: joinId(notice.subjectLow, notice.subjectHigh),
          reason: notice.code === GW_RESYNC_GAP ? 'gap' : 'reconnect',
          lastSeq: sequence(notice)
        })
        break
      case GW_EVENT_SYNCED:
        this.emit('synced', notice.payload.parse())
        break
      case GW_EVENT_SUBSCRIBED:
        this.emit('subscribed', subscribed(notice))
        break
      case GW_EVENT_LOG:
        this.emit('log', logEntry(notice))
        break
      case GW_EVENT_TRUST_REQUEST:
        answerTrust(this.#ask, notice)
        break
      case GW_EVENT_CREDENTIALS_REQUEST:
        answerCredentials(this.#credentials, this.#place, notice)
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

function subscribed (notice) {
  const subscription = joinId(notice.subjectLow, notice.subjectHigh)
  if (notice.status < 0) return { subscription, payload: undefined, error: notice.error() }
  return { subscription, payload: notice.payload.parse(), error: null }
}

/** The halves of an id that counts from 1. */
function splitId (name, id) {
  checkInteger(name, id, 1, Number.MAX_SAFE_INTEGER, 'the number that was given')
  return [id % 0x100000000, Math.floor(id / 0x100000000)]
}

/** undefined for an event without a number */
function sequence (notice) {
  return notice.sequenceHigh === 0xffffffff ? undefined : notice.sequenceHigh * 0x100000000 + notice.sequenceLow
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
