'use strict'

// The way of events from the addon to clients, servers, sockets and calls.  One call of deliver() brings all events of
// a wake-up; the answer to a call costs one place in an array and its promise, and no other object.

const { makeError } = require('./errors.js')
const {
  native, ACTOR, CODE, CONNECTION, FIRST_ROW, FLAGS, NAME, OWNER, PAYLOAD, PAYLOAD_IS_LARGE, RETRY_AFTER, ROW_WORDS,
  SEQUENCE, STATUS, SUBJECT, TEXT, TYPE
} = require('./native.js')

const {
  GW_ERR_CANCELLED, GW_ERR_JSON, GW_ERR_REJECTED, GW_EVENT_CALL_ACCEPTED, GW_EVENT_CALL_DONE, GW_EVENT_CLEAN,
  GW_EVENT_PAUSED, GW_EVENT_PEER_FIRST, GW_EVENT_RECOVERED, GW_EVENT_RETRYABLE, GW_EVENT_SIO_ACK, GW_EVENT_SIO_EVENT,
  GW_EVENT_SKIPPED, GW_EVENT_SOCKET_MESSAGE
} = native.constants

/** Part of the bytes of a wake-up.  They are a string if all are ASCII, else a Buffer. */
class Slice {
  constructor (bytes, start, end) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  get isEmpty () {
    return this.start === this.end
  }

  text () {
    return sliceText(this.bytes, this.start, this.end)
  }

  buffer () {
    return sliceBuffer(this.bytes, this.start, this.end)
  }

  /** undefined if there is nothing */
  parse () {
    return this.isEmpty ? undefined : JSON.parse(this.text())
  }
}

function sliceText (bytes, start, end) {
  return typeof bytes === 'string' ? bytes.substring(start, end) : bytes.toString('utf8', start, end)
}

function sliceBuffer (bytes, start, end) {
  return typeof bytes === 'string' ? Buffer.from(bytes.substring(start, end), 'latin1') : bytes.subarray(start, end)
}

/** One event for what was opened. */
class Notice {
  constructor (row, name, payload, text) {
    this.type = words[row + TYPE]
    this.status = statuses[row + STATUS]
    this.code = words[row + CODE]
    this.retryable = (words[row + FLAGS] & GW_EVENT_RETRYABLE) !== 0
    this.isClean = (words[row + FLAGS] & GW_EVENT_CLEAN) !== 0
    this.isPeerFirst = (words[row + FLAGS] & GW_EVENT_PEER_FIRST) !== 0
    this.isPaused = (words[row + FLAGS] & GW_EVENT_PAUSED) !== 0
    this.isSkipped = (words[row + FLAGS] & GW_EVENT_SKIPPED) !== 0
    this.isPaused = (words[row + FLAGS] & GW_EVENT_PAUSED) !== 0
    this.isRecovered = (words[row + FLAGS] & GW_EVENT_RECOVERED) !== 0
    this.actor = words[row + ACTOR]
    this.retryAfterMs = words[row + RETRY_AFTER]
    this.connectionLow = words[row + CONNECTION]
    this.connectionHigh = words[row + CONNECTION + 1]
    this.subjectLow = words[row + SUBJECT]
    this.subjectHigh = words[row + SUBJECT + 1]
    this.sequenceLow = words[row + SEQUENCE]
    this.sequenceHigh = words[row + SEQUENCE + 1]
    this.name = name
    this.payload = payload
    this.text = text
  }

  /** names: what the name of the event is for the error. */
  error (names = { gatewayCode: this.name }) {
    let details = readDetails(this.payload)
    // A rejected call brings the whole error object; the rest of it is in the other fields.
    if (this.status === GW_ERR_REJECTED) details = details?.details
    return makeError(this.status, this.text, {
      actor: this.actor,
      code: this.code,
      retryable: this.retryable,
      retryAfterMs: this.retryAfterMs,
      details,
      ...names
    })
  }
}

function readDetails (payload) {
  try {
    return payload.parse()
  } catch {
    return payload.text()
  }
}

/** An id as one value, for a Map.  Ids are exact as numbers until their place was used two million times. */
function joinId (low, high) {
  return high < 0x200000 ? high * 0x100000000 + low : (BigInt(high) << 32n) | BigInt(low)
}

// --- who events belong to ---

// What was opened, by the place of its handle.
const owners = []
const calls = []
const freeCalls = []

/** Gives a call a number that its events carry. */
function addCall (call) {
  const number = freeCalls.length > 0 ? freeCalls.pop() : calls.length
  calls[number] = call
  return number
}

function removeCall (number) {
  calls[number] = undefined
  freeCalls.push(number)
}

// --- keeping the process alive ---

let held = 0

function hold () {
  if (held++ === 0) native.hold(true)
}

function letGo () {
  if (--held === 0) native.hold(false)
}

// --- delivery ---

function callDone (row, call, bytes, start, end) {
  removeCall(words[row + OWNER])
  if (call.signal !== undefined) call.signal.removeEventListener('abort', call.onAbort)
  if (call.raw) call.resolve(sliceBuffer(bytes, start, end))
  else if (start === end) call.resolve(undefined)
  else parseAnswer(call, sliceText(bytes, start, end))
}

function parseAnswer (call, text) {
  let answer
  try {
    answer = JSON.parse(text)
  } catch (cause) {
    call.reject(makeError(GW_ERR_JSON, 'the answer is not valid JSON', { actor: 3, cause }))
    return
  }
  call.resolve(answer)
}

function callFailed (row, call, notice) {
  removeCall(words[row + OWNER])
  // Without an answer the name is the idempotency key.
  const error = notice.status === GW_ERR_REJECTED ? notice.error() : notice.error({ idempotencyKey: notice.name })
  if (call.signal !== undefined) {
    call.signal.removeEventListener('abort', call.onAbort)
    if (notice.status === GW_ERR_CANCELLED) error.cause = call.signal.reason
  }
  call.reject(error)
}

/** The acknowledgement of an event that was emitted. */
function ackDone (row, ack, payload, attachments, text) {
  removeCall(words[row + OWNER])
  if (statuses[row + STATUS] === 0) ack.resolve(payload.text(), attachments)
  else ack.reject(new Notice(row, '', payload, text).error())
}

function deliverOne (row, bytes, nameStart, start, end, textEnd, large, attachments) {
  const type = words[row + TYPE]
  const isAnswer = type === GW_EVENT_CALL_DONE || type === GW_EVENT_CALL_ACCEPTED || type === GW_EVENT_SIO_ACK
  const owner = (isAnswer ? calls : owners)[words[row + OWNER]]
  if (owner === undefined) return
  if (type === GW_EVENT_CALL_DONE && statuses[row + STATUS] === 0) {
    if (large === undefined) callDone(row, owner, bytes, start, end)
    else callDone(row, owner, large, 0, large.length)
    return
  }
  const payload = large === undefined ? new Slice(bytes, start, end) : new Slice(large, 0, large.length)
  if (type === GW_EVENT_SOCKET_MESSAGE) {
    owner[feedMessage](
      payload, words[row + CODE], words[row + FLAGS], words[row + CONNECTION], words[row + CONNECTION + 1])
    return
  }
  if (type === GW_EVENT_SIO_ACK) {
    ackDone(row, owner, payload, attachments, sliceText(bytes, end, textEnd))
    return
  }
  const name = sliceText(bytes, nameStart, start)
  if (type === GW_EVENT_SIO_EVENT) {
    owner[feedPacket](
      name, payload.text(), attachments, joinId(words[row + CONNECTION], words[row + CONNECTION + 1]),
      words[row + SUBJECT], words[row + SUBJECT + 1])
    return
  }
  const notice = new Notice(row, name, payload, sliceText(bytes, end, textEnd))
  if (type === GW_EVENT_CALL_DONE) callFailed(row, owner, notice)
  else if (type === GW_EVENT_CALL_ACCEPTED) owner.onAccepted?.(owner.raw ? payload.buffer() : payload.parse())
  else owner[feed](notice)
}

const NONE = []

/** How many Buffers of the list belong to an event, behind its payload. */
function attachmentsOf (row) {
  const type = words[row + TYPE]
  const has = type === GW_EVENT_SIO_EVENT || (type === GW_EVENT_SIO_ACK && statuses[row + STATUS] === 0)
  return has ? words[row + CODE] : 0
}

function deliver (count, bytes, large) {
  let at = 0
  let largeAt = 0
  for (let i = 0, row = FIRST_ROW; i < count; i++, row += ROW_WORDS) {
    const payloadLength = words[row + PAYLOAD]
    const isLarge = payloadLength === PAYLOAD_IS_LARGE
    const start = at + words[row + NAME]
    const end = isLarge ? start : start + payloadLength
    const textEnd = end + words[row + TEXT]
    const payload = isLarge ? large[largeAt++] : undefined
    const attached = attachmentsOf(row)
    const attachments = attached === 0 ? NONE : large.slice(largeAt, largeAt += attached)
    try {
      deliverOne(row, bytes, at, start, end, textEnd, payload, attachments)
    } catch (error) {
      // A listener threw.  The other events of this wake-up still have to arrive; the error is the program's.
      process.nextTick(() => { throw error })
    }
    at = textEnd
  }
}

/** The method that takes a Notice. */
const feed = Symbol('feed')

/** The method that takes a message of a WebSocket: bytes, kind, flags, and the halves of the connection's id. */
const feedMessage = Symbol('feedMessage')

/**
 * The method that takes an event of a Socket.IO server: its name, arguments as JSON, attachments, the namespace, and the
 * halves of what acknowledges it.
 */
const feedPacket = Symbol('feedPacket')

const table = native.start(deliver)
const words = new Uint32Array(table)
const statuses = new Int32Array(table)

module.exports = { addCall, feed, feedMessage, feedPacket, hold, joinId, letGo, owners, removeCall, words }
