'use strict'

// From the option names that users of ws know to those of the library.

const { native } = require('./native.js')
const {
  checkBoolean, checkFunction, checkObject, checkTexts, readOptions, wrongType
} = require('./options.js')
const { readRoute } = require('./route.js')
const { readTrust } = require('./trust.js')

const {
  GW_LISTENER_ASK, GW_LISTENER_CLIENT_OPTIONAL, GW_LISTENER_CLIENT_TAKEOVER, GW_LISTENER_CONTROL, GW_LISTENER_NO_DEFLATE, GW_LISTENER_PARTS,
  GW_LISTENER_PLAINTEXT, GW_LISTENER_SERVER_TAKEOVER, GW_SOCKET_CLIENT_TAKEOVER, GW_SOCKET_CONTROL,
  GW_SOCKET_NEED_SUBPROTOCOL, GW_SOCKET_NO_DEFLATE, GW_SOCKET_PARTS, GW_SOCKET_PLAINTEXT_ANY,
  GW_SOCKET_PLAINTEXT_PRIVATE, GW_SOCKET_SERVER_TAKEOVER
} = native.constants

const CLIENT_CHOICES = {
  plaintext: new Map([
    ['loopback', 0], ['private', GW_SOCKET_PLAINTEXT_PRIVATE], ['any', GW_SOCKET_PLAINTEXT_ANY]
  ]),
  parts: new Map([[false, 0], [true, GW_SOCKET_PARTS]]),
  requireProtocol: new Map([[false, 0], [true, GW_SOCKET_NEED_SUBPROTOCOL]])
}

const SERVER_CHOICES = {
  clientOptional: new Map([[false, 0], [true, GW_LISTENER_CLIENT_OPTIONAL]]),
  parts: new Map([[false, 0], [true, GW_LISTENER_PARTS]]),
  plaintext: new Map([[false, 0], [true, GW_LISTENER_PLAINTEXT]])
}

// What users of ws may look for, and what there is instead.
const ALWAYS = 'the library always checks text for UTF-8 (RFC 6455 section 8.1)'
const FILES = 'certificates are read from PEM files'
const OWN_LISTENER = 'the library listens by itself, on host and port'

const REFUSED_BY_CLIENT = {
  agent: 'the library makes its connections itself',
  auth: 'put user and password into the URL, or an Authorization field into headers',
  ca: `${FILES}: use caFile`,
  cert: `${FILES}: use trust.certificateFile`,
  checkServerIdentity: 'use pins to trust a certificate whatever its name',
  createConnection: 'the library makes its connections itself',
  followRedirects: 'maxRedirects alone says how many are followed',
  generateMask: 'masks are random (RFC 6455 section 5.3)',
  key: `${FILES}: use trust.keyFile`,
  protocolVersion: 'the version is 13 (RFC 6455)',
  rejectUnauthorized: 'certificates are always checked: use pins or caFile for one that no known CA has signed',
  skipUTF8Validation: ALWAYS
}

const REFUSED_BY_SERVER = {
  WebSocket: 'connections are of the class WebSocket',
  backlog: OWN_LISTENER,
  ca: `${FILES}: use clientCaFile`,
  cert: `${FILES}: use certificateFile`,
  key: `${FILES}: use keyFile`,
  noServer: OWN_LISTENER,
  path: 'refuse other paths in verifyClient, by info.req.url',
  server: OWN_LISTENER,
  skipUTF8Validation: ALWAYS
}

const REFUSED_BY_DEFLATE = {
  concurrencyLimit: 'compression is part of sending and receiving and waits for nobody',
  zlibInflateOptions: 'inflation has no options but the window bits'
}

/** perMessageDeflate: a boolean, or an object with options of the compression.  flag: those of the library. */
function readDeflate (where, value, flag) {
  if (value === undefined || value === true) return { flags: 0, values: {} }
  if (value === false) return { flags: flag.off, values: {} }
  checkObject(where, value)
  const { level, memLevel, ...kinds } = native.deflateOptions
  const readZlib = (name, options) => readOptions(name, options, { level, memLevel }, {}).values
  const choices = {
    clientNoContextTakeover: new Map([[true, 0], [false, flag.clientTakeover]]),
    serverNoContextTakeover: new Map([[true, 0], [false, flag.serverTakeover]])
  }
  const allKinds = { ...kinds, zlibDeflateOptions: readZlib }
  const { flags, values } = readOptions(where, value, allKinds, choices, REFUSED_BY_DEFLATE)
  const { zlibDeflateOptions, ...rest } = values
  return { flags, values: { ...rest, ...zlibDeflateOptions } }
}

function checkDeflate (name, value) {
  if (typeof value !== 'boolean' && (value === null || typeof value !== 'object')) {
    throw wrongType(name, 'a boolean or an object', value)
  }
  return value
}

/** Arguments of a WebSocket as {flags, values, deflate} for the addon, and whether messages come in parts. */
function readSocketOptions (protocols = [], options = {}) {
  const { protocols: notAmongOptions, ...socketKinds } = native.socketOptions
  const kinds = {
    ...socketKinds,
    ...native.limitOptions,
    origin: 'text',
    route: readRoute,
    trust: readTrust,
    handshakeTimeout: 'time',
    perMessageDeflate: checkDeflate
  }
  const { flags, values } = readOptions('WebSocket', options, kinds, CLIENT_CHOICES, REFUSED_BY_CLIENT)
  const { origin, handshakeTimeout, perMessageDeflate, ...rest } = values
  if (rest.pins?.length === 0) {
    throw new TypeError('WebSocket: pins must not be empty; leave the option out to trust by the CA chain')
  }
  rest.protocols = checkTexts('WebSocket: protocols', protocols)
  if (origin !== undefined) rest.headers = [...(rest.headers ?? []), 'Origin', origin]
  for (const phase of ['connectTimeoutMs', 'tlsTimeoutMs', 'upgradeTimeoutMs']) rest[phase] ??= handshakeTimeout
  const deflate = readDeflate('WebSocket: perMessageDeflate', perMessageDeflate, {
    off: GW_SOCKET_NO_DEFLATE, clientTakeover: GW_SOCKET_CLIENT_TAKEOVER, serverTakeover: GW_SOCKET_SERVER_TAKEOVER
  })
  return {
    flags: flags | deflate.flags | GW_SOCKET_CONTROL,
    values: rest,
    deflate: deflate.values,
    hasParts: (flags & GW_SOCKET_PARTS) !== 0
  }
}

/** Options of a WebSocketServer: {flags, values, deflate} for the addon, and what is done here. */
function readServerOptions (options) {
  const kinds = {
    ...native.listenerOptions,
    ...native.limitOptions,
    perMessageDeflate: checkDeflate,
    verifyClient: checkFunction,
    handleProtocols: checkFunction,
    clientTracking: checkBoolean
  }
  const { flags, values } = readOptions('WebSocketServer', options, kinds, SERVER_CHOICES, REFUSED_BY_SERVER)
  const { perMessageDeflate, verifyClient, handleProtocols, clientTracking = true, ...rest } = values
  const deflate = readDeflate('WebSocketServer: perMessageDeflate', perMessageDeflate, {
    off: GW_LISTENER_NO_DEFLATE,
    clientTakeover: GW_LISTENER_CLIENT_TAKEOVER,
    serverTakeover: GW_LISTENER_SERVER_TAKEOVER
  })
  const ask = verifyClient === undefined && handleProtocols === undefined ? 0 : GW_LISTENER_ASK
  return {
    flags: flags | deflate.flags | ask | GW_LISTENER_CONTROL,
    values: rest,
    deflate: deflate.values,
    hasParts: (flags & GW_LISTENER_PARTS) !== 0,
    verifyClient,
    handleProtocols,
    clientTracking
  }
}

module.exports = { readServerOptions, readSocketOptions }
