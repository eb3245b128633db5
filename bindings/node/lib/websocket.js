'use strict'

const { EventEmitter } = require('node:events')
const { inspect } = require('node:util')

const { feed, feedMessage, hold, letGo, owners } = require('./delivery.js')
const { lastError, makeError } = require('./errors.js')
const { EventStream } = require('./events.js')
const { native } = require('./native.js')
const { checkFunction, checkInteger, checkNames, checkObject, checkText, wrongType } = require('./options.js')
const { kindOf, readData, readSendOptions, toArrayBuffer } = require('./websocket-data.js')
const { addBrowserEvents } = require('./websocket-events.js')
const { readSocketOptions } = require('./websocket-options.js')
const { readQueuedBytes, readState } = require('./websocket-state.js')
const { answerTrust, readTls } = require('./trust.js')
const { UpgradeResponse } = require('./websocket-upgrade.js')

const {
  GW_BINARY, GW_ERR_CANCELLED, GW_ERR_CLOSED, GW_ERR_GONE, GW_ERR_LOST, GW_ERR_STATE, GW_ERR_UNSUPPORTED,
  GW_ERR_UPGRADE_REFUSED, GW_EVENT_PART, GW_EVENT_SOCKET_CLOSED, GW_EVENT_SOCKET_OPEN, GW_EVENT_SOCKET_PING,
  GW_EVENT_SOCKET_PONG, GW_EVENT_SOCKET_WRITABLE, GW_EVENT_TRUST_REQUEST, GW_QUEUED
} = native.constants

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3]

// Messages that wait for one `for await` loop, if it does not say otherwise.
const STREAM_LIMIT = 16384

/** In place of a URL: the connection was accepted by a server. */
const accepted = Symbol('accepted')

/** Delivers what waits for the end of the turn in which the connection opened. */
const deliverHeld = Symbol('deliverHeld')

function unsupported (text) {
  return makeError(GW_ERR_UNSUPPORTED, text, { actor: 1 })
}

class WebSocket extends EventEmitter {
  #place = -1
  #ask
  #low = 0 // id of a server's connection
  #high = 0
  #onEnd // of a server's connection
  #url = ''
  #protocol = ''
  #extensions = ''
  #readyState = CONNECTING
  #binaryType = 'nodebuffer'
  #isHeld = false
  #needDrain = false
  #wasClean = false
  #hasParts = false
  #isPaused = false
  #lastState
  #end // what closed() resolves with
  #openers = []
  #closers = []
  #senders = [] // callbacks of messages that were taken while the queue was above its mark
  #streams = new Set()
  #held // events that arrived with the opening

  constructor (url, protocols, options) {
    super()
    if (url === accepted) {
      ({
        place: this.#place, low: this.#low, high: this.#high, onEnd: this.#onEnd, hasParts: this.#hasParts
      } = protocols)
      return
    }
    // As in ws, the protocols may be left out before the options.
    if (protocols !== null && typeof protocols === 'object' && !Array.isArray(protocols)) {
      [protocols, options] = [[], protocols]
    }
    if (typeof url !== 'string' && !(url instanceof URL)) throw wrongType('WebSocket: url', 'a string or a URL', url)
    const text = checkText('WebSocket: url', String(url))
    const { flags, values, deflate, hasParts } = readSocketOptions(protocols, options)
    this.#hasParts = hasParts
    const place = native.socketOpen(text, flags, values, deflate)
    if (place < 0) throw lastError(place)
    this.#place = place
    this.#ask = values.trust?.ask
    this.#url = text.replace(/\/\/[^/?#@]*@/, '//')
    owners[place] = this
    this.ref()
  }

  /** What TLS agreed on, with the chain that the peer showed; undefined without TLS, before it stands and after the end. */
  tls () {
    return readTls(native.socketTls(this.#place, this.#low, this.#high))
  }

  /** Without user and password; empty for a connection of a server. */
  get url () {
    return this.#url
  }

  get protocol () {
    return this.#protocol
  }

  get extensions () {
    return this.#extensions
  }

  get readyState () {
    return this.#readyState
  }

  get bufferedAmount () {
    return readQueuedBytes(this.#place, this.#low, this.#high)
  }

  /** Whether to hold back until 'drain'. */
  get writableNeedDrain () {
    return this.#needDrain
  }

  /** Whether both close frames were seen. */
  get wasClean () {
    return this.#wasClean
  }

  get binaryType () {
    return this.#binaryType
  }

  set binaryType (type) {
    if (type !== 'nodebuffer' && type !== 'arraybuffer') {
      const error = new TypeError(`binaryType must be 'nodebuffer' or 'arraybuffer', not ${inspect(type)}`)
      error.code = 'ERR_INVALID_ARG_VALUE'
      throw error
    }
    this.#binaryType = type
  }

  /** After the end the last one. */
  state () {
    return { ...(this.#lastState ?? readState(this.#place, this.#low, this.#high)) }
  }

  // --- waiting ---

  /** Resolves when the connection is open; rejects when it ends before. */
  opened () {
    if (this.#readyState === OPEN) return Promise.resolve(this)
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) throw this.#notOpen('opened')
      this.#openers.push({ resolve, reject })
    })
  }

  /** Resolves when the connection has ended, whatever it ended with. */
  closed () {
    if (this.#end !== undefined) return Promise.resolve(this.#end)
    return new Promise((resolve) => this.#closers.push(resolve))
  }

  /** Messages for `for await`: text as strings, bytes as binaryType says. */
  messages (options = {}) {
    checkObject('messages: options', options)
    checkNames('messages', options, ['limit'])
    if (this.#hasParts) throw makeError(GW_ERR_STATE, "messages: with parts: true there is 'part' alone", { actor: 1 })
    const { limit = STREAM_LIMIT } = options
    const stream = new EventStream({
      limit: checkInteger('messages: limit', limit, 1, Number.MAX_SAFE_INTEGER, 'a whole number above 0'),
      onReturn: (ended) => this.#streams.delete(ended)
    })
    if (this.#end !== undefined) stream.finish(failureOf(this.#end.error))
    else this.#streams.add(stream)
    return stream
  }

  [Symbol.asyncIterator] () {
    return this.messages()
  }

  // --- sending ---

  /** Sends a message, or with fin: false a part of one.  False: hold back, or the connection has ended. */
  send (data, options, callback) {
    if (typeof options === 'function') [options, callback] = [undefined, options]
    if (callback !== undefined) checkFunction('send: cb', callback)
    const bytes = readData('send: data', data)
    const { kind, flags } = options === undefined ? { kind: kindOf(bytes), flags: 0 } : readSendOptions(bytes, options)
    if (this.#readyState !== OPEN) return this.#notSent(this.#notOpen('send'), callback)
    return this.#taken(native.socketSend(this.#place, this.#low, this.#high, kind, bytes, flags), callback)
  }

  /** Sends a message; resolves when the next one may be sent. */
  sent (data, options) {
    return new Promise((resolve, reject) => {
      this.send(data, options, (error) => error === undefined ? resolve() : reject(error))
    })
  }

  ping (data = '', mask, callback) {
    if (typeof data === 'function') [data, callback] = ['', data]
    else if (typeof mask === 'function') [mask, callback] = [undefined, mask]
    if (mask !== undefined) throw new TypeError('ping: mask must be left out (RFC 6455 section 5.3 decides)')
    if (callback !== undefined) checkFunction('ping: cb', callback)
    const bytes = readData('ping: data', data)
    if (this.#readyState !== OPEN) this.#notSent(this.#notOpen('ping'), callback)
    else this.#taken(native.socketPing(this.#place, this.#low, this.#high, bytes), callback)
  }

  #taken (status, callback) {
    if (status < 0) return this.#notSent(lastError(status), callback)
    if (status === GW_QUEUED) this.#needDrain = true
    if (callback !== undefined) {
      if (this.#needDrain) this.#senders.push(callback)
      else process.nextTick(callback)
    }
    return !this.#needDrain
  }

  /** That a connection has ended is nothing a program can know in time: only the callback is told. */
  #notSent (error, callback) {
    if (callback !== undefined) process.nextTick(callback, error)
    else if (this.#readyState === CONNECTING || !isEnded(error)) throw error
    return false
  }

  #notOpen (what) {
    const text = this.#readyState === CONNECTING ? 'is not open yet' : 'has ended or is being closed'
    return makeError(GW_ERR_STATE, `${what}: the connection ${text}`, { cause: this.#end?.error ?? undefined })
  }

  #drained () {
    this.#needDrain = false
    for (const callback of this.#senders.splice(0)) process.nextTick(callback)
    this.emit('drain')
  }

  // --- ending ---

  /** Closes politely: what was sent before still goes out.  Resolves as closed(). */
  close (code, reason = '') {
    const expected = 'a close code from 1000 to 4999'
    const number = code === undefined ? 0 : checkInteger('close: code', code, 1000, 4999, expected)
    const text = checkText('close: reason', reason instanceof Uint8Array ? Buffer.from(reason).toString() : reason)
    if (this.#readyState < CLOSING) {
      const status = native.socketClose(this.#place, this.#low, this.#high, number, text)
      if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
      this.#readyState = CLOSING
    }
    return this.closed()
  }

  /** Ends the connection at once: nothing more is sent, nobody is waited for.  Resolves as closed(). */
  terminate () {
    if (this.#readyState !== CLOSED) {
      native.socketAbort(this.#place, this.#low, this.#high)
      this.#readyState = CLOSING
    }
    return this.closed()
  }

  pong () {
    throw unsupported('pong: the library answers pings by itself and sends no other pongs')
  }

  /** Reads nothing more until resume(), so that TCP holds the peer back; what was read before still comes. */
  pause () {
    if (this.#readyState !== OPEN) return
    this.#isPaused = native.socketPause(this.#place, this.#low, this.#high, true) >= 0
  }

  resume () {
    if (this.#isPaused) native.socketPause(this.#place, this.#low, this.#high, false)
    this.#isPaused = false
  }

  get isPaused () {
    return this.#isPaused && this.#readyState === OPEN
  }

  /** Keeps the process alive until the end, which is the default.  Connections of a server are held by the server. */
  ref () {
    if (!this.#isHeld && this.#place >= 0 && this.#onEnd === undefined) {
      this.#isHeld = true
      hold()
    }
    return this
  }

  unref () {
    if (this.#isHeld) {
      this.#isHeld = false
      letGo()
    }
    return this
  }

  // --- events ---

  [feed] (notice) {
    if (this.#held !== undefined) this.#held.push(() => this.#take(notice))
    else this.#take(notice)
  }

  [feedMessage] (slice, kind, flags) {
    if (this.#held !== undefined) this.#held.push(() => this.#message(slice, kind, flags))
    else this.#message(slice, kind, flags)
  }

  #take (notice) {
    switch (notice.type) {
      case GW_EVENT_SOCKET_OPEN:
        this.#opened(notice)
        break
      case GW_EVENT_SOCKET_PING:
        if (this.listenerCount('ping') > 0) this.emit('ping', notice.payload.buffer())
        break
      case GW_EVENT_SOCKET_PONG:
        if (this.listenerCount('pong') > 0) this.emit('pong', notice.payload.buffer())
        break
      case GW_EVENT_SOCKET_WRITABLE:
        this.#drained()
        break
      case GW_EVENT_TRUST_REQUEST:
        answerTrust(this.#ask, notice)
        break
      case GW_EVENT_SOCKET_CLOSED:
        this.#ended(notice)
        break
    }
  }

  #message (slice, kind, flags) {
    const isBinary = kind === GW_BINARY
    if (this.#hasParts) {
      this.emit('part', isBinary ? this.#binary(slice) : slice.buffer(), isBinary, (flags & GW_EVENT_PART) === 0)
      return
    }
    if (this.listenerCount('message') > 0) {
      this.emit('message', isBinary ? this.#binary(slice) : slice.buffer(), isBinary)
    }
    if (this.#streams.size === 0) return
    const data = isBinary ? this.#binary(slice) : slice.text()
    for (const stream of this.#streams) stream.push(data)
  }

  #binary (slice) {
    const buffer = slice.buffer()
    return this.#binaryType === 'arraybuffer' ? toArrayBuffer(buffer) : buffer
  }

  #opened (notice) {
    if (this.#readyState === CONNECTING) this.#readyState = OPEN
    this.#protocol = notice.name
    this.#extensions = this.state().deflate ? 'permessage-deflate' : ''
    // Messages may have come with the opening.  They wait a turn, so that who has awaited it can listen first.
    this.#held = []
    setImmediate(() => this[deliverHeld]())
    for (const { resolve } of this.#openers.splice(0)) resolve(this)
    if (this.#onEnd !== undefined) return
    const detail = notice.payload.parse()
    if (detail.redirects > 0) this.#url = detail.url
    if (this.listenerCount('upgrade') > 0) this.emit('upgrade', new UpgradeResponse(101, detail))
    this.emit('open')
  }

  [deliverHeld] () {
    const held = this.#held ?? []
    this.#held = undefined
    for (const deliver of held) {
      try {
        deliver()
      } catch (error) {
        process.nextTick(() => { throw error })
      }
    }
  }

  #ended (notice) {
    const error = notice.status === 0 ? null : notice.error({ closeReason: notice.name })
    const code = notice.code >= 1000 ? notice.code : 1006
    const isTold = this.#openers.length + this.#closers.length + this.#streams.size > 0
    this.#wasClean = notice.isClean
    this.#readyState = CLOSED
    this.#end = { code, reason: notice.name, wasClean: notice.isClean, isPeerFirst: notice.isPeerFirst, error }
    this.#lastState = readState(this.#place, this.#low, this.#high)
    this.#letGoOfHandle()
    for (const { reject } of this.#openers.splice(0)) reject(error ?? this.#notOpen('opened'))
    for (const callback of this.#senders.splice(0)) process.nextTick(callback, this.#notOpen('send'))
    for (const stream of this.#streams) stream.finish(failureOf(error))
    this.#streams.clear()
    for (const resolve of this.#closers.splice(0)) resolve(this.#end)
    try {
      this.#tellFailure(notice, failureOf(error), isTold)
    } finally {
      this.emit('close', code, Buffer.from(notice.name))
    }
  }

  #letGoOfHandle () {
    const place = this.#place
    this.unref()
    this.#place = -1
    if (this.#onEnd !== undefined) {
      this.#onEnd(this)
    } else {
      owners[place] = undefined
      native.release(place)
    }
  }

  /** 'error' without a listener ends the process, which no peer of a server may bring about. */
  #tellFailure (notice, error, isTold) {
    if (error === null || error.status === GW_ERR_LOST) return
    if (error.status === GW_ERR_UPGRADE_REFUSED && this.listenerCount('unexpected-response') > 0) {
      this.emit('unexpected-response', { url: this.#url }, new UpgradeResponse(notice.code, error.details))
    } else if (this.listenerCount('error') > 0 || !(isTold || this.#onEnd !== undefined)) {
      this.emit('error', error)
    }
  }

  [inspect.custom] () {
    const where = this.#url === '' ? '' : ` url: '${this.#url.replace(/[?#].*$/s, '')}',`
    return `WebSocket {${where} readyState: ${this.#readyState}, protocol: '${this.#protocol}' }`
  }
}

/** A goodbye of the peer is no failure, nor is what the program has ended itself. */
function failureOf (error) {
  return error?.status === GW_ERR_CLOSED || error?.status === GW_ERR_CANCELLED ? null : error
}

function isEnded (error) {
  return error.status === GW_ERR_GONE || (error.status === GW_ERR_STATE && error.actor !== 'program')
}

for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
  Object.defineProperty(WebSocket, name, { enumerable: true, value })
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true, value })
}
addBrowserEvents(WebSocket.prototype)

module.exports = { WebSocket, accepted, deliverHeld }
