'use strict'

// Arguments of Socket.IO events: JSON in which binary data is named by placeholders, and the data beside it.

function isBinary (value) {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

function hasBinary (value) {
  if (value === null || typeof value !== 'object') return false
  if (isBinary(value)) return true
  if (Array.isArray(value)) return value.some(hasBinary)
  for (const name in value) {
    if (Object.hasOwn(value, name) && hasBinary(value[name])) return true
  }
  return false
}

/** Binary data as bytes, without copying it. */
function bytesOf (value) {
  if (value instanceof Uint8Array) return value
  return value instanceof ArrayBuffer
    ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

/** { json, attachments }; undefined for what is not there. */
function encode (args) {
  if (args.length === 0) return { json: undefined, attachments: undefined }
  if (!hasBinary(args)) return { json: JSON.stringify(args), attachments: undefined }
  const attachments = []
  // The value that is given has been through toJSON, which Buffers have.
  const json = JSON.stringify(args, function (name, value) {
    const original = this[name]
    if (!isBinary(original)) return value
    return { _placeholder: true, num: attachments.push(bytesOf(original)) - 1 }
  })
  return { json, attachments }
}

/** The arguments, with the attachments where they belong. */
function decode (json, attachments) {
  if (attachments.length === 0) return JSON.parse(json)
  return JSON.parse(json, (name, value) => {
    const isPlaceholder = value !== null && typeof value === 'object' && value._placeholder === true
    return isPlaceholder && attachments[value.num] !== undefined ? attachments[value.num] : value
  })
}

module.exports = { decode, encode }
