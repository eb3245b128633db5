'use strict'

const { Client, connect } = require('./client.js')
const { doctor } = require('./doctor.js')
const { classes, makeError } = require('./errors.js')
const { native } = require('./native.js')
const { checkNames, checkObject, checkTakeover, checkText } = require('./options.js')
const { Server, serve } = require('./server.js')
const { Manager, Socket, io } = require('./socketio.js')
const { WebSocketServer } = require('./websocket-server.js')
const { WebSocket } = require('./websocket.js')

/** Reads a certificate pin in any of its text forms; gives 64 lower-case hex digits. */
function normalizePin (text) {
  const pin = native.pinNormalize(checkText('normalizePin: text', text))
  if (typeof pin === 'number') throw makeError(pin, '', { actor: 1 })
  return pin
}

/** Reads a pin of any kind; gives 'cert:', 'key:', 'ca:' or 'ca-key:' and 64 lower-case hex digits. */
function readPin (text) {
  const pin = native.pinRead(checkText('readPin: text', text))
  if (typeof pin === 'number') throw makeError(pin, '', { actor: 1 })
  return pin
}

/** How the work is shared with a thread of the library; only before the first client or server. */
function configure (options) {
  checkObject('configure: options', options)
  checkNames('configure', options, ['takeoverMs'])
  if (options.takeoverMs === undefined) return
  const status = native.setTakeover(checkTakeover('configure: takeoverMs', options.takeoverMs))
  if (status < 0) throw makeError(status, 'configure comes before the first client or server', { actor: 1 })
}

/** The network is another one now: asks every connection for a sign of life. */
function networkChanged () {
  const status = native.networkChanged()
  if (status < 0) throw makeError(status, '', { actor: 1 })
}

module.exports = {
  configure,
  networkChanged,
  connect,
  doctor,
  serve,
  Client,
  Server,
  Manager,
  Socket,
  io,
  WebSocket,
  WebSocketServer,
  normalizePin,
  readPin,
  version: native.version,
  dependencies: native.dependencies,
  ...classes
}
