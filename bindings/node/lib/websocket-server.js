'use strict'

const { EventEmitter } = require('node:events')
const { STATUS_CODES } = require('node:http')
const { inspect } = require('node:util')

const { feed, feedMessage, hold, joinId, letGo, owners } = require('./delivery.js')
const { lastError, makeError } = require('./errors.js')
const { native } = require('./native.js')
const { checkFunction, checkInteger, checkText, wrongType } = require('./options.js')
const { readServerOptions } = require('./websocket-options.js')
const { readStatistics } = require('./websocket-state.js')
const { UpgradeRequest } = require('./websocket-upgrade.js')
const { WebSocket, accepted, deliverHeld } = require('./websocket.js')

const {
  GW_ERR_GONE, GW_ERR_LISTEN, GW_EVENT_SERVER_CLOSED, GW_EVENT_SOCKET_CLOSED, GW_EVENT_SOCKET_OPEN,
  GW_EVENT_SOCKET_REQUEST, GW_SERVER_CERTIFICATE, GW_SERVER_CERTIFICATE_PIN, GW_SERVER_KEY_PIN, GW_SERVER_URL
} = native.constants

/** A WebSocket server: every connection is a WebSocket. */
class WebSocketServer extends EventEmitter {
  #place = -1
  #isHeld = false
  #hasParts
  #closing // promise of close()
  #verifyClient
  #handleProtocols
  #protocols
  #requests = new Map() // by id of the connection, until it is open
  #sockets = new Map()

  constructor (options = {}, callback) {
    super()
    const {
      flags, values, deflate, hasParts, verifyClient, handleProtocols, clientTracking
    } = readServerOptions(options)
    if (callback !== undefined) this.once('listening', checkFunction('WebSocketServer: callback', callback))
    this.#hasParts = hasParts
    this.#verifyClient = verifyClient
    this.#handleProtocols = handleProtocols
    this.#protocols = values.protocols ?? []
    if (clientTracking) this.clients = new Set()
    const place = native.listenerOpen(flags, values, deflate)
    if (place === GW_ERR_LISTEN) {
      process.nextTick((error) => this.emit('error', error), lastError(place))
      return
    }
    if (place < 0) throw lastError(place)
    this.#place = place
    this.url = native.listenerText(place, GW_SERVER_URL)
    this.#readCertificate()
    owners[place] = this
    this.ref()
    process.nextTick(() => { if (this.#place >= 0) this.emit('listening') })
  }

  #readCertificate () {
    const place = this.#place
    this.pin = native.listenerText(place, GW_SERVER_CERTIFICATE_PIN) || undefined
    this.keyPin = native.listenerText(place, GW_SERVER_KEY_PIN) || undefined
    this.certificate = native.listenerText(place, GW_SERVER_CERTIFICATE) || undefined
  }

  /** Reads the certificate and its key again; who connects from now on is shown the new one. */
  reloadCertificate () {
    const status = native.listenerReload(this.#place)
    if (status < 0) throw lastError(status)
    this.#readCertificate()
  }

  /** null when it does not listen. */
  address () {
    if (this.#place < 0) return null
    const { hostname } = new URL(this.url)
    const isSix = hostname.startsWith('[')
    return {
      address: isSix ? hostname.slice(1, -1) : hostname,
      family: isSix ? 'IPv6' : 'IPv4',
      port: native.listenerPort(this.#place)
    }
  }

  /** Sums since it was opened. */
  statistics () {
    return readStatistics(this.#place)
  }

  /** Stops listening, closes every connection with 1001; resolves when all have ended. */
  close (callback) {
    if (callback !== undefined) checkFunction('close: cb', callback)
    if (this.#place < 0) {
      const error = makeError(GW_ERR_GONE, 'the server does not listen', { actor: 1 })
      if (callback !== undefined) process.nextTick(callback, error)
      return this.#closing ?? Promise.resolve()
    }
    if (callback !== undefined) this.once('close', callback)
    if (this.#closing === undefined) {
      const status = native.listenerStop(this.#place)
      if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
      this.#closing = new Promise((resolve) => this.once('close', () => resolve()))
    }
    return this.#closing
  }

  /** Keeps the process alive while the server runs, which is the default. */
  ref () {
    if (!this.#isHeld && this.#place >= 0) {
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
    const id = joinId(notice.connectionLow, notice.connectionHigh)
    switch (notice.type) {
      case GW_EVENT_SOCKET_REQUEST:
        this.#asked(id, notice)
        break
      case GW_EVENT_SOCKET_OPEN:
        this.#opened(id, notice)
        break
      case GW_EVENT_SERVER_CLOSED:
        this.#closed()
        break
      default:
        if (this.#sockets.has(id)) this.#sockets.get(id)[feed](notice)
        else if (notice.type === GW_EVENT_SOCKET_CLOSED) this.#refused(id, notice)
    }
  }

  [feedMessage] (slice, kind, flags, low, high) {
    this.#sockets.get(joinId(low, high))?.[feedMessage](slice, kind, flags)
  }

  #opened (id, notice) {
    const request = this.#requests.get(id) ?? this.#readRequest(notice)
    this.#requests.delete(id)
    const socket = new WebSocket(accepted, {
      place: this.#place,
      low: notice.connectionLow,
      high: notice.connectionHigh,
      hasParts: this.#hasParts,
      onEnd: (ended) => {
        this.#sockets.delete(id)
        this.clients?.delete(ended)
      }
    })
    this.#sockets.set(id, socket)
    this.clients?.add(socket)
    socket[feed](notice)
    this.emit('connection', socket, request)
  }

  /** A connection that ended before it was open. */
  #refused (id, notice) {
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    this.emit('refused', notice.error({}), request)
  }

  #closed () {
    for (const socket of this.#sockets.values()) socket[deliverHeld]()
    const place = this.#place
    this.unref()
    this.#place = -1
    owners[place] = undefined
    native.release(place)
    this.emit('close')
  }

  // --- who is let in ---

  #readRequest (notice) {
    return new UpgradeRequest(notice.payload.parse(), this.url.startsWith('wss:'))
  }

  #asked (id, notice) {
    const request = this.#readRequest(notice)
    this.#requests.set(id, request)
    const decision = { low: notice.connectionLow, high: notice.connectionHigh, request, isMade: false }
    try {
      this.#verify(decision)
    } catch (error) {
      this.#failed(decision, error)
    }
  }

  #verify (decision) {
    const { request } = decision
    const verify = this.#verifyClient
    if (verify === undefined) {
      this.#decide(decision, true)
      return
    }
    const info = { origin: request.headers.origin, secure: request.socket.encrypted, req: request }
    if (verify.length >= 2) {
      verify.call(this, info, (...answer) => this.#decide(decision, ...answer))
      return
    }
    const answer = verify.call(this, info)
    if (typeof answer?.then !== 'function') this.#decide(decision, answer)
    else answer.then((isAllowed) => this.#decide(decision, isAllowed)).catch((error) => this.#failed(decision, error))
  }

  #decide (decision, isAllowed, status = 401, text = STATUS_CODES[status], headers) {
    if (decision.isMade) return
    if (!isAllowed) {
      if (headers !== undefined) throw new TypeError('verifyClient: a refusal has a status and a text, and no headers')
      this.#reject(decision, status, text)
      return
    }
    const protocol = this.#chooseProtocol(decision.request)
    const answer = native.listenerAccept(this.#place, decision.low, decision.high, protocol)
    if (answer < 0 && answer !== GW_ERR_GONE) throw lastError(answer)
    decision.isMade = true
  }

  /** Who has waited too long, or has gone, is told nothing. */
  #reject (decision, status, text = '') {
    checkInteger('verifyClient: status', status, 400, 599, 'an HTTP status from 400 to 599')
    checkText('verifyClient: text', text)
    const answer = native.listenerReject(this.#place, decision.low, decision.high, status, text)
    if (answer < 0 && answer !== GW_ERR_GONE) throw lastError(answer)
    decision.isMade = true
  }

  /** The subprotocol, empty for none. */
  #chooseProtocol (request) {
    const offered = request.protocols
    if (this.#handleProtocols === undefined) return this.#protocols.find((protocol) => offered.includes(protocol)) ?? ''
    if (offered.length === 0) return ''
    const chosen = this.#handleProtocols(new Set(offered), request)
    if (chosen === false || chosen === undefined) return ''
    if (typeof chosen !== 'string') throw wrongType('handleProtocols: the result', 'a string or false', chosen)
    return chosen
  }

  /** A hook that throws lets nobody in; the error is the program's. */
  #failed (decision, error) {
    if (!decision.isMade) this.#reject(decision, 500, STATUS_CODES[500])
    process.nextTick(() => { throw error })
  }

  [inspect.custom] () {
    return `WebSocketServer { url: '${this.url}', connections: ${this.#sockets.size} }`
  }
}

module.exports = { WebSocketServer }
