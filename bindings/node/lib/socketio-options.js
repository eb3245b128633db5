'use strict'

// Options of a Socket.IO client.

const { native } = require('./native.js')
const { checkBoolean, checkInteger, readOptions, wrongType, wrongValue } = require('./options.js')
const { readRoute } = require('./route.js')
const { readTrust } = require('./trust.js')

const {
  GW_CLIENT_DEFLATE_TAKEOVER, GW_CLIENT_NO_DEFLATE, GW_CLIENT_NO_RECONNECT, GW_CLIENT_PLAINTEXT_ANY,
  GW_CLIENT_PLAINTEXT_PRIVATE
} = native.constants

const NEVER = 0xffffffff

const KINDS = {
  ...native.socketIOClientOptions,
  ...native.socketIOOptions,
  route: readRoute,
  trust: readTrust,
  auth: checkAuth,
  autoConnect: checkBoolean,
  randomizationFactor: readFactor,
  // 0 is the library's word for no limit.
  reconnectionAttempts: (name, value) => value === Infinity
    ? 0
    : checkInteger(name, value, 1, NEVER - 1, 'a whole number above 0, or Infinity')
}

// Options that stand for flags of the library.
const CHOICES = {
  deflate: new Map([[true, 0], [false, GW_CLIENT_NO_DEFLATE], ['takeover', GW_CLIENT_DEFLATE_TAKEOVER]]),
  plaintext: new Map([
    ['loopback', 0], ['private', GW_CLIENT_PLAINTEXT_PRIVATE], ['any', GW_CLIENT_PLAINTEXT_ANY]
  ]),
  reconnection: new Map([[true, 0], [false, GW_CLIENT_NO_RECONNECT]])
}

const REFUSED = {
  transports: 'WebSocket is the only transport',
  upgrade: 'WebSocket is the only transport',
  forceNew: 'each io() has a connection of its own; io(...).io.socket(namespace) shares it',
  multiplex: 'each io() has a connection of its own; io(...).io.socket(namespace) shares it'
}

function checkAuth (name, value) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    throw wrongType(name, 'an object or a function', value)
  }
  return value
}

/** A share of the delay as whole percents; the library takes 0 for its default. */
function readFactor (name, value) {
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  if (!(value >= 0 && value <= 1)) throw wrongValue(name, 'a number from 0 to 1', value)
  return Math.round(value * 100) || NEVER
}

/** { flags, values } for native.sioOpen; auth and autoConnect are not the addon's. */
function readSocketIO (options) {
  return readOptions('io', options, KINDS, CHOICES, REFUSED)
}

/** The auth of one namespace, if it has its own. */
function readSocketAuth (options) {
  return readOptions('socket', options, { auth: checkAuth }, {}).values.auth
}

module.exports = { readSocketAuth, readSocketIO }
