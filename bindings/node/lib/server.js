'use strict'

const { EventEmitter } = require('node:events')
const { inspect } = require('node:util')

const { feed, hold, joinId, letGo, owners } = require('./delivery.js')
const { RpcError, lastError } = require('./errors.js')
const { readGoClawServer, readServedDialect } = require('./goclaw.js')
const { native } = require('./native.js')
const { checkInteger, checkNames, checkObject, checkText, readOptions, wrongType } = require('./options.js')

const {
  GW_ERR_GONE, GW_EVENT_PEER_CONNECTED, GW_EVENT_PEER_DISCONNECTED, GW_EVENT_PEER_REQUEST, GW_EVENT_SERVER_CLOSED,
  GW_SERVER_CERTIFICATE, GW_SERVER_CERTIFICATE_PIN, GW_SERVER_CLIENT_OPTIONAL, GW_SERVER_DEFLATE_TAKEOVER, GW_SERVER_KEY_PIN, GW_SERVER_NO_BUILTIN,
  GW_SERVER_NO_DEFLATE, GW_SERVER_PLAINTEXT, GW_SERVER_REQUIRE_DEVICE, GW_SERVER_URL, GW_QUEUED
} = native.constants

// Options that stand for flags of the library.
const CHOICES = {
  clientOptional: new Map([[false, 0], [true, GW_SERVER_CLIENT_OPTIONAL]]),
  builtin: new Map([[true, 0], [false, GW_SERVER_NO_BUILTIN]]),
  deflate: new Map([[true, 0], [false, GW_SERVER_NO_DEFLATE], ['takeover', GW_SERVER_DEFLATE_TAKEOVER]]),
  plaintext: new Map([[false, 0], [true, GW_SERVER_PLAINTEXT]]),
  requireDevice: new Map([[false, 0], [true, GW_SERVER_REQUIRE_DEVICE]])
}

/** Bytes are JSON as it is; everything else is a value, text too.  undefined: no payload member. */
function writePayload (what, value) {
  if (value === undefined || value instanceof Uint8Array) return value
  const json = JSON.stringify(value)
  if (json === undefined) throw wrongType(what, 'a value that JSON can hold', value)
  return json
}

// Set by Server, because only it knows the place of the handle.
const reply = Symbol('reply')
const reject = Symbol('reject')

/** A client of the embedded gateway. */
class Peer {
  #server
  #low
  #high
  #isConnected = true

  constructor (server, low, high, info) {
    this.#server = server
    this.#low = low
    this.#high = high
    this.client = info.client
    this.role = info.role
    this.scopes = info.scopes
    this.deviceId = info.deviceId
    this.remote = info.remote
  }

  get isConnected () {
    return this.#isConnected
  }

  push (event, payload) {
    return this.#server.push(event, payload, this)
  }

  disconnect (code, reason) {
    return this.#server.disconnect(this, code, reason)
  }

  static belongsTo (peer, server) {
    return peer instanceof Peer && peer.#server === server
  }

  static id (peer) {
    return [peer.#low, peer.#high]
  }

  static ended (peer) {
    peer.#isConnected = false
  }
}

/** A call of a peer that has not been answered. */
class Request {
  #server
  #low
  #high

  constructor (server, peer, notice) {
    this.#server = server
    this.#low = notice.subjectLow
    this.#high = notice.subjectHigh
    this.method = notice.name
    this.peer = peer
  }

  /** The first answer of a run whose result comes later. */
  accept (payload = {}) {
    const isPlain = payload !== null && typeof payload === 'object' && !(payload instanceof Uint8Array)
    this.#server[reply](this.#low, this.#high, isPlain ? { status: 'accepted', ...payload } : payload, 0)
  }

  static id (request) {
    return [request.#low, request.#high]
  }
}

const KINDS = { ...native.serverOptions, dialect: readServedDialect, goclaw: readGoClawServer }

class Server extends EventEmitter {
  #place = -1
  #isHeld = false
  #isStopped = false
  #stopping // promise of stop()
  #methods = new Map()
  #peers = new Map()

  constructor (options = {}) {
    super()
    const { flags, values } = readOptions('Server', options, KINDS, CHOICES)
    const place = native.serverOpen(flags, values)
    if (place < 0) throw lastError(place)
    this.#place = place
    this.url = native.serverText(place, GW_SERVER_URL)
    this.port = native.serverPort(place)
    this.#readCertificate()
    owners[place] = this
    this.ref()
  }

  #readCertificate () {
    const place = this.#place
    this.pin = native.serverText(place, GW_SERVER_CERTIFICATE_PIN) || undefined
    this.keyPin = native.serverText(place, GW_SERVER_KEY_PIN) || undefined
    this.certificate = native.serverText(place, GW_SERVER_CERTIFICATE) || undefined
  }

  /** Reads the certificate and its key again; who connects from now on is shown the new one. */
  reloadCertificate () {
    const status = native.serverReload(this.#place)
    if (status < 0) throw lastError(status)
    this.#readCertificate()
  }

  get peers () {
    return [...this.#peers.values()]
  }

  /** Answers a method.  The handler gets the params and the request, and returns or promises the result. */
  method (name, handler, options = {}) {
    if (typeof name !== 'string' || name === '') throw wrongType('method: name', 'a non-empty string', name)
    if (typeof handler !== 'function') throw wrongType('method: handler', 'a function', handler)
    checkObject('method: options', options)
    checkNames('method', options, ['raw'])
    if (options.raw !== undefined && typeof options.raw !== 'boolean') {
      throw wrongType('method: raw', 'a boolean', options.raw)
    }
    this.#methods.set(name, { handler, raw: options.raw === true })
    return this
  }

  /** Sends an event to one peer or to all.  False: the peer has left, or is slow and its queue grows. */
  push (event, payload, peer) {
    if (typeof event !== 'string' || event === '') throw wrongType('push: event', 'a non-empty string', event)
    const json = writePayload('push: payload', payload)
    if (peer !== undefined && !Peer.belongsTo(peer, this)) throw wrongType('push: peer', 'a peer of this server', peer)
    const [low, high] = peer === undefined ? [0, 0] : Peer.id(peer)
    const status = native.serverPush(this.#place, low, high, event, json)
    if (status < 0 && !(status === GW_ERR_GONE && peer !== undefined)) throw lastError(status)
    return status >= 0 && status !== GW_QUEUED
  }

  /** Closes the connection of a peer.  False: it has left already. */
  disconnect (peer, code, reason = '') {
    if (!Peer.belongsTo(peer, this)) throw wrongType('disconnect: peer', 'a peer of this server', peer)
    const expected = 'a close code from 1000 to 4999'
    const number = code === undefined ? 0 : checkInteger('disconnect: code', code, 1000, 4999, expected)
    const status = native.serverDisconnect(
      this.#place, ...Peer.id(peer), number, checkText('disconnect: reason', reason))
    if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
    return status >= 0
  }

  /** Tells every peer, closes their connections, and resolves when all have ended. */
  async stop (reason = '') {
    checkText('stop: reason', reason)
    if (this.#stopping === undefined && !this.#isStopped) {
      const status = native.serverStop(this.#place, reason)
      if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
      this.#stopping = new Promise((resolve) => this.once('closed', () => resolve()))
    }
    return this.#stopping
  }

  /** Keeps the process alive while the server runs, which is the default. */
  ref () {
    if (!this.#isHeld && this.#place >= 0) {
      this.#isHeld = true
      hold()
    }
    return this
  }

  /** Lets the process end although the server runs. */
  unref () {
    if (this.#isHeld) {
      this.#isHeld = false
      letGo()
    }
    return this
  }

  [feed] (notice) {
    switch (notice.type) {
      case GW_EVENT_PEER_REQUEST:
        this.#request(notice)
        break
      case GW_EVENT_PEER_CONNECTED: {
        const { connectionLow: low, connectionHigh: high } = notice
        const peer = new Peer(this, low, high, notice.payload.parse() ?? {})
        this.#peers.set(joinId(low, high), peer)
        this.emit('peer', peer)
        break
      }
      case GW_EVENT_PEER_DISCONNECTED:
        this.#peerEnded(notice)
        break
      case GW_EVENT_SERVER_CLOSED:
        this.#closed()
        break
    }
  }

  #peerEnded (notice) {
    const id = joinId(notice.connectionLow, notice.connectionHigh)
    const peer = this.#peers.get(id)
    const error = notice.status === 0 ? null : notice.error()
    if (peer === undefined) {
      this.emit('peer-refused', error)
      return
    }
    this.#peers.delete(id)
    Peer.ended(peer)
    this.emit('peer-closed', peer, error)
  }

  #closed () {
    const place = this.#place
    this.unref()
    this.#place = -1
    this.#isStopped = true
    owners[place] = undefined
    native.release(place)
    this.emit('closed')
  }

  #request (notice) {
    const peer = this.#peers.get(joinId(notice.connectionLow, notice.connectionHigh))
    const request = new Request(this, peer, notice)
    const method = this.#methods.get(notice.name)
    if (method === undefined) {
      this[reject](request, new RpcError('INVALID_REQUEST', `unknown method: ${notice.name}`))
      return
    }
    let result
    try {
      result = method.handler(method.raw ? notice.payload.buffer() : notice.payload.parse(), request)
    } catch (error) {
      this.#failed(request, error)
      return
    }
    // A result that is there already needs no promise.
    if (typeof result?.then !== 'function') this.#answer(request, result)
    else result.then((value) => this.#answer(request, value), (error) => this.#failed(request, error))
  }

  #answer (request, value) {
    try {
      this[reply](...Request.id(request), value, 1)
    } catch (error) {
      this.#failed(request, error)
    }
  }

  /** What a handler throws is its answer if it is an RpcError, and a fault of the program if not. */
  #failed (request, error) {
    if (error instanceof RpcError) {
      this[reject](request, error)
      return
    }
    this[reject](request, new RpcError('UNAVAILABLE', `the method ${request.method} failed`))
    if (!this.emit('method-error', error, request)) process.emitWarning(error)
  }

  /** Nobody is left to be told when a request has timed out or its peer has gone. */
  [reply] (low, high, value, final) {
    const status = native.serverReply(this.#place, low, high, writePayload('result', value), final)
    if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
  }

  [reject] (request, error) {
    const message = error.message || error.gatewayCode
    const status = native.serverReject(
      this.#place, ...Request.id(request), error.gatewayCode, message, writePayload('details', error.details),
      error.retryAfterMs ?? 0)
    if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
  }

  [inspect.custom] () {
    return `Server { url: '${this.url}', peers: ${this.#peers.size} }`
  }
}

/** Starts an embedded gateway; peers can connect when it resolves. */
async function serve (options) {
  return new Server(options)
}

module.exports = { Peer, Request, Server, serve }
