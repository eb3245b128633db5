'use strict'

// A Socket.IO client with the names of the official one: a Manager has the connection, its Sockets are namespaces.

const { feed, feedPacket, hold, joinId, letGo, owners, words } = require('./delivery.js')
const { lastError } = require('./errors.js')
const { native, ID_HIGH, ID_LOW } = require('./native.js')
const { checkText, wrongType } = require('./options.js')
const { readSocketAuth, readSocketIO } = require('./socketio-options.js')
const { decode } = require('./socketio-packets.js')
const { Socket } = require('./socketio-socket.js')
const { answerTrust } = require('./trust.js')

const {
  GW_EVENT_CLIENT_CLOSED, GW_EVENT_CLIENT_DISCONNECTED, GW_EVENT_SIO_LEFT, GW_EVENT_TRUST_REQUEST, GW_SIO_ASK_AUTH
} = native.constants

/** The connection that the Sockets of a Manager share, from the first that joins to the last that leaves. */
class Connection {
  #place
  #ask
  #sockets = new Map() // by the id of the namespace
  isEnding = false

  constructor (url, { flags, values }) {
    const place = native.sioOpen(url, flags, values)
    if (place < 0) throw lastError(place)
    this.#place = place
    this.#ask = values.trust?.ask
    owners[place] = this
    hold()
  }

  get place () {
    return this.#place
  }

  /** Joins a namespace; its id as two halves. */
  join (socket, asksAuth) {
    const status = native.sioJoin(this.#place, socket.nsp, asksAuth ? GW_SIO_ASK_AUTH : 0)
    if (status < 0) throw lastError(status)
    const id = [words[ID_LOW], words[ID_HIGH]]
    this.#sockets.set(joinId(...id), socket)
    return id
  }

  /** Whoever joins after that needs another connection. */
  end () {
    if (this.isEnding) return
    this.isEnding = true
    native.clientClose(this.#place, 0, '')
  }

  endIfUnused () {
    if (this.#sockets.size === 0) this.end()
  }

  [feedPacket] (name, json, attachments, namespace, ackLow, ackHigh) {
    this.#sockets.get(namespace)?.[feedPacket](name, decode(json, attachments), ackLow, ackHigh)
  }

  [feed] (notice) {
    switch (notice.type) {
      case GW_EVENT_SIO_LEFT: {
        const id = joinId(notice.connectionLow, notice.connectionHigh)
        const socket = this.#sockets.get(id)
        this.#sockets.delete(id)
        // Before the program hears of it, so that it can connect again at once.
        this.endIfUnused()
        socket?.[feed](notice)
        break
      }
      case GW_EVENT_CLIENT_DISCONNECTED:
        // Of a connection that was lost its namespaces are told one by one.
        if (!notice.isPaused && notice.connectionLow === 0 && notice.connectionHigh === 0) {
          for (const socket of [...this.#sockets.values()]) socket[feed](notice)
        }
        break
      case GW_EVENT_TRUST_REQUEST:
        answerTrust(this.#ask, notice)
        break
      case GW_EVENT_CLIENT_CLOSED:
        this.isEnding = true
        owners[this.#place] = undefined
        native.release(this.#place)
        letGo()
        break
      default:
        this.#sockets.get(joinId(notice.connectionLow, notice.connectionHigh))?.[feed](notice)
    }
  }
}

/** Where to connect, and how; the connection is made when the first of its Sockets connects. */
class Manager {
  #url
  #given
  #connection
  #sockets = new Map()

  constructor (url, options = {}) {
    if (typeof url !== 'string' && !(url instanceof URL)) throw wrongType('io: url', 'a string or a URL', url)
    this.#url = checkText('io: url', String(url))
    this.#given = readSocketIO(options)
  }

  /** The Socket of a namespace, the same each time; it connects, unless autoConnect is false. */
  socket (nsp, options = {}) {
    checkText('socket: nsp', nsp)
    const auth = readSocketAuth(options) ?? this.#given.values.auth
    let socket = this.#sockets.get(nsp)
    if (socket === undefined) {
      socket = new Socket(this, nsp, auth)
      this.#sockets.set(nsp, socket)
      if (this.#given.values.autoConnect ?? true) socket.connect()
    }
    return socket
  }

  /** For Sockets: the connection that is there, or a new one. */
  _connection () {
    if (this.#connection === undefined || this.#connection.isEnding) {
      this.#connection = new Connection(this.#url, this.#given)
    }
    return this.#connection
  }

  get _hasAckTimeout () {
    return this.#given.values.ackTimeout !== undefined
  }
}

/** The Socket of the namespace that is the URL's path, on a connection of its own. */
function io (url, options = {}) {
  const manager = new Manager(url, options)
  return manager.socket(new URL(String(url)).pathname)
}

module.exports = { Manager, Socket, io }
