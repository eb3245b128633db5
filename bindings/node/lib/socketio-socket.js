'use strict'

// A namespace of a Socket.IO server, and what is sent to it.

const { EventEmitter } = require('node:events')
const { inspect } = require('node:util')

const { addCall, feed, feedPacket, removeCall } = require('./delivery.js')
const { lastError, makeError } = require('./errors.js')
const { native } = require('./native.js')
const { checkFunction, checkText, checkTime } = require('./options.js')
const { decode, encode } = require('./socketio-packets.js')

const {
  GW_ERR_GONE, GW_ERR_NOT_SENT, GW_EVENT_CLIENT_DISCONNECTED, GW_EVENT_SIO_AUTH, GW_EVENT_SIO_DISCONNECTED,
  GW_EVENT_SIO_JOINED, GW_EVENT_SIO_LEFT, GW_SIO_ACK, GW_SIO_VOLATILE
} = native.constants

/** One emit with what was said before it: socket.timeout(ms), socket.volatile. */
class Sender {
  #socket
  #flags
  #timeout

  constructor (socket, flags, timeout) {
    this.#socket = socket
    this.#flags = flags
    this.#timeout = timeout
  }

  get volatile () {
    return new Sender(this.#socket, this.#flags | GW_SIO_VOLATILE, this.#timeout)
  }

  timeout (milliseconds) {
    return new Sender(this.#socket, this.#flags, checkTime('timeout', milliseconds))
  }

  emit (event, ...args) {
    this.#socket._send(event, args, this.#flags, this.#timeout)
    return this.#socket
  }

  emitWithAck (event, ...args) {
    return new Promise((resolve, reject) => {
      const ack = (error, answer) => error === null ? resolve(answer) : reject(error)
      this.#socket._send(event, [...args, ack], this.#flags, this.#timeout ?? 0)
    })
  }
}

/** An event that waits for its acknowledgement. */
class Acknowledgement {
  #callback
  #tellsErrors

  constructor (callback, tellsErrors) {
    this.#callback = callback
    this.#tellsErrors = tellsErrors
  }

  resolve (json, attachments) {
    const args = decode(json, attachments)
    if (this.#tellsErrors) this.#callback(null, ...args)
    else this.#callback(...args)
  }

  reject (error) {
    if (this.#tellsErrors) this.#callback(error)
  }
}

/** A namespace. */
class Socket {
  #manager
  #nsp
  #connection
  #namespace // halves of its id while it is wanted
  #listeners = new EventEmitter()
  #any = []
  #id
  #recovered = false

  constructor (manager, nsp, auth) {
    this.#manager = manager
    this.#nsp = nsp
    /** Sent at each join: an object, or a function that is given a callback to hand it to. */
    this.auth = auth
  }

  /** The Manager. */
  get io () {
    return this.#manager
  }

  get nsp () {
    return this.#nsp
  }

  /** Our id in the namespace; undefined while it is not joined. */
  get id () {
    return this.#id
  }

  get connected () {
    return this.#id !== undefined
  }

  get disconnected () {
    return this.#id === undefined
  }

  /** Whether it is joined, or will be by itself. */
  get active () {
    return this.#namespace !== undefined
  }

  /** Whether the last join went on with the session of before, and no event is missing. */
  get recovered () {
    return this.#recovered
  }

  // --- joining and leaving ---

  connect () {
    if (this.#namespace !== undefined) return this
    this.#connection = this.#manager._connection()
    try {
      this.#namespace = this.#connection.join(this, this.auth !== undefined)
    } catch (error) {
      this.#connection.endIfUnused()
      throw error
    }
    return this
  }

  disconnect () {
    if (this.#namespace !== undefined) {
      const status = native.sioLeave(this.#connection.place, ...this.#namespace)
      if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
    }
    return this
  }

  close () {
    return this.disconnect()
  }

  // --- sending ---

  emit (event, ...args) {
    this._send(event, args, 0, undefined)
    return this
  }

  emitWithAck (event, ...args) {
    return new Sender(this, 0, undefined).emitWithAck(event, ...args)
  }

  timeout (milliseconds) {
    return new Sender(this, 0, undefined).timeout(milliseconds)
  }

  get volatile () {
    return new Sender(this, GW_SIO_VOLATILE, undefined)
  }

  /** timeout: milliseconds, 0 for the library's; without, the callback is not told of failures. */
  _send (event, args, flags, timeout) {
    checkText('emit: event', event)
    const ack = typeof args.at(-1) === 'function' ? args.pop() : undefined
    const { json, attachments } = encode(args)
    if (this.#namespace === undefined) {
      throw makeError(GW_ERR_GONE, `${this.#nsp} is not joined; call connect() first`, { actor: 1 })
    }
    const [low, high] = this.#namespace
    const place = this.#connection.place
    if (ack === undefined) {
      const status = native.sioEmit(place, low, high, 0, event, json, flags, 0, attachments)
      if (status < 0 && status !== GW_ERR_NOT_SENT) throw lastError(status, { outcome: 'not-sent' })
      return
    }
    const tellsErrors = timeout !== undefined || this.#manager._hasAckTimeout
    const number = addCall(new Acknowledgement(ack, tellsErrors))
    let status = GW_ERR_GONE
    try {
      status = native.sioEmit(place, low, high, number, event, json, flags | GW_SIO_ACK, timeout ?? 0, attachments)
    } finally {
      if (status < 0) removeCall(number)
    }
    if (status === GW_ERR_NOT_SENT) {
      if (tellsErrors) ack(makeError(status, 'the event was volatile and could not be sent at once', { actor: 4 }))
    } else if (status < 0) {
      throw lastError(status, { outcome: 'not-sent' })
    }
  }

  // --- listening ---

  on (event, listener) {
    this.#listeners.on(event, checkFunction('on: listener', listener))
    return this
  }

  once (event, listener) {
    this.#listeners.once(event, checkFunction('once: listener', listener))
    return this
  }

  /** Without a listener: all of the event; without an event: all. */
  off (event, listener) {
    if (listener !== undefined) this.#listeners.off(event, listener)
    else if (event !== undefined) this.#listeners.removeAllListeners(event)
    else this.#listeners.removeAllListeners()
    return this
  }

  listeners (event) {
    return this.#listeners.listeners(event)
  }

  hasListeners (event) {
    return this.#listeners.listenerCount(event) > 0
  }

  /** Called with the name and the arguments of each event of the server. */
  onAny (listener) {
    this.#any.push(checkFunction('onAny: listener', listener))
    return this
  }

  offAny (listener) {
    this.#any = listener === undefined ? [] : this.#any.filter((each) => each !== listener)
    return this
  }

  // An event named 'error' is one like the others: nobody has to listen.
  #tell (event, ...args) {
    if (this.#listeners.listenerCount(event) > 0) this.#listeners.emit(event, ...args)
  }

  [feedPacket] (event, args, ackLow, ackHigh) {
    if (ackLow !== 0 || ackHigh !== 0) args.push(this.#acknowledger(ackLow, ackHigh))
    for (const listener of this.#any) listener(event, ...args)
    this.#tell(event, ...args)
  }

  /** What a listener acknowledges an event with, once; that the connection of the event has ended is no error. */
  #acknowledger (low, high) {
    const { place } = this.#connection
    return (...args) => {
      const { json, attachments } = encode(args)
      const status = native.sioAck(place, low, high, json, attachments)
      if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
    }
  }

  [feed] (notice) {
    switch (notice.type) {
      case GW_EVENT_SIO_AUTH:
        this.#giveAuth(notice)
        break
      case GW_EVENT_SIO_JOINED:
        this.#id = notice.name
        this.#recovered = notice.isRecovered
        this.#tell('connect')
        break
      case GW_EVENT_SIO_DISCONNECTED:
        this.#id = undefined
        this.#tell('disconnect', notice.name, notice.error({}))
        break
      case GW_EVENT_SIO_LEFT:
        this.#left(notice)
        break
      case GW_EVENT_CLIENT_DISCONNECTED:
        this.#tell('connect_error', notice.error())
        break
    }
  }

  #left (notice) {
    const wasConnected = this.connected
    this.#id = undefined
    this.#namespace = undefined
    const error = notice.status < 0 ? notice.error({}) : undefined
    if (wasConnected) {
      this.#tell('disconnect', notice.name, error)
    } else if (error !== undefined) {
      error.data = error.details
      this.#tell('connect_error', error)
    }
  }

  #giveAuth ({ subjectLow, subjectHigh }) {
    const { place } = this.#connection
    const give = (auth) => {
      const json = auth === undefined || auth === null ? undefined : JSON.stringify(auth)
      const status = native.sioAuth(place, subjectLow, subjectHigh, json)
      if (status < 0 && status !== GW_ERR_GONE) throw lastError(status)
    }
    if (typeof this.auth === 'function') this.auth(give)
    else give(this.auth)
  }

  [inspect.custom] () {
    return `Socket { nsp: '${this.#nsp}', id: ${inspect(this.#id)} }`
  }
}

module.exports = { Socket }
