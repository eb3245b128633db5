'use strict'

// What may be sent, and what is handed over.

const { native } = require('./native.js')
const { checkBoolean, checkNames, checkObject, wrongType } = require('./options.js')

const { GW_BINARY, GW_SEND_COMPRESSED, GW_SEND_PART, GW_SEND_UNCOMPRESSED, GW_TEXT } = native.constants

const SEND_OPTIONS = ['binary', 'compress', 'fin']

const REFUSED = { mask: 'clients always mask and servers never do (RFC 6455 section 5.3)' }

/** Text as it is, bytes without a copy. */
function readData (name, data) {
  if (typeof data === 'string' || data instanceof Uint8Array) return data
  if (typeof data === 'number') return String(data)
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  throw wrongType(name, 'a string, a number, an ArrayBuffer or a view of one', data)
}

function kindOf (data) {
  return typeof data === 'string' ? GW_TEXT : GW_BINARY
}

/** Options of send() as {kind, flags}. */
function readSendOptions (data, options) {
  checkObject('send: options', options)
  checkNames('send', options, SEND_OPTIONS, REFUSED)
  const { binary, compress, fin } = options
  let kind = kindOf(data)
  let flags = 0
  if (binary !== undefined) kind = checkBoolean('send: binary', binary) ? GW_BINARY : GW_TEXT
  if (compress !== undefined) {
    flags |= checkBoolean('send: compress', compress) ? GW_SEND_COMPRESSED : GW_SEND_UNCOMPRESSED
  }
  if (fin !== undefined && !checkBoolean('send: fin', fin)) flags |= GW_SEND_PART
  return { kind, flags }
}

function toArrayBuffer (buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength)
}

module.exports = { kindOf, readData, readSendOptions, toArrayBuffer }
