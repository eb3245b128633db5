'use strict'

const { Client, connect } = require('./client.js')
const { classes, makeError } = require('./errors.js')
const { native } = require('./native.js')
const { checkText } = require('./options.js')
const { Server, serve } = require('./server.js')
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

module.exports = {
  connect,
  serve,
  Client,
  Server,
  WebSocket,
  WebSocketServer,
  normalizePin,
  readPin,
  version: native.version,
  dependencies: native.dependencies,
  ...classes
}
