'use strict'

const { native } = require('./native.js')

const {
  GW_ERR_CALL_TIMEOUT, GW_ERR_CANCELLED, GW_ERR_GONE, GW_ERR_NOT_SENT, GW_ERR_OUTCOME_UNKNOWN, GW_ERR_REJECTED,
  GW_ERR_STATE, GW_ERR_TLS_PIN, GW_ERR_UPGRADE_REFUSED
} = native.constants

const ACTORS = ['none', 'program', 'user', 'operator', 'network']

// What is known about a call that ended without an answer.
const OUTCOMES = new Map([
  [GW_ERR_REJECTED, 'rejected'],
  [GW_ERR_NOT_SENT, 'not-sent'],
  [GW_ERR_OUTCOME_UNKNOWN, 'unknown'],
  [GW_ERR_CALL_TIMEOUT, 'unknown'],
  [GW_ERR_CANCELLED, 'unknown']
])

/** Who must act, as a word. */
function actorName (actor) {
  return ACTORS[actor] ?? 'none'
}

const names = new Map()

function statusName (status) {
  let name = names.get(status)
  if (name === undefined) names.set(status, name = native.statusName(status))
  return name
}

class GatewireError extends Error {
  constructor (status, message, facts = {}) {
    super(message || native.statusText(status))
    this.status = status
    this.code = statusName(status)
    this.actor = actorName(facts.actor)
    this.retryable = facts.retryable ?? false
    // What is not known is not there, so that a printed error shows what is.
    if (facts.retryAfterMs) this.retryAfterMs = facts.retryAfterMs
    if (facts.gatewayCode) this.gatewayCode = facts.gatewayCode
    if (facts.idempotencyKey) this.idempotencyKey = facts.idempotencyKey
    if (facts.details !== undefined) this.details = facts.details
    if (facts.code) this[isHttpStatus(status, facts.code) ? 'httpStatus' : 'closeCode'] = facts.code
    if (facts.closeReason) this.closeReason = facts.closeReason
    if (facts.cause !== undefined) this.cause = facts.cause
    const outcome = facts.outcome ?? OUTCOMES.get(status)
    if (outcome !== undefined) this.outcome = outcome
  }
}

/** Close codes begin at 1000 (RFC 6455 section 7.4.2). */
function isHttpStatus (status, code) {
  return status === GW_ERR_UPGRADE_REFUSED || code < 1000
}

class UsageError extends GatewireError {}
class NetworkError extends GatewireError {}
class TlsError extends GatewireError {}
class UpgradeError extends GatewireError {}
class WebSocketError extends GatewireError {}
class GatewayError extends GatewireError {}
class SocketIOError extends GatewireError {}
class ResourceError extends GatewireError {}

class NotConnectedError extends UsageError {}
class NotSentError extends GatewayError {}
class OutcomeUnknownError extends GatewayError {}
class CallTimeoutError extends OutcomeUnknownError {}

/** A call that was given up through its AbortSignal, whose reason is the cause. */
class CallCancelledError extends GatewayError {}

class PinError extends TlsError {
  get seen () {
    return this.details?.seen
  }

  get wanted () {
    return this.details?.wanted
  }
}

/** A call that the other end answered with an error; thrown in a method of an embedded gateway, it is that error. */
class RpcError extends GatewayError {
  constructor (gatewayCode, message, { details, retryable, retryAfterMs, actor } = {}) {
    if (typeof gatewayCode !== 'string' || gatewayCode === '') {
      throw new TypeError('RpcError: the code must be a non-empty string')
    }
    super(GW_ERR_REJECTED, message || gatewayCode, {
      gatewayCode, details, retryable: retryable ?? Boolean(retryAfterMs), retryAfterMs, actor
    })
  }
}

const classes = {
  GatewireError,
  UsageError,
  NotConnectedError,
  NetworkError,
  TlsError,
  PinError,
  UpgradeError,
  WebSocketError,
  GatewayError,
  RpcError,
  NotSentError,
  OutcomeUnknownError,
  CallTimeoutError,
  CallCancelledError,
  SocketIOError,
  ResourceError
}
for (const [name, type] of Object.entries(classes)) nameErrors(type, name)
// What Node's own functions throw when a signal gives them up.
nameErrors(CallCancelledError, 'AbortError')

function nameErrors (type, name) {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true })
}

const SPECIAL = new Map([
  [GW_ERR_GONE, NotConnectedError],
  [GW_ERR_STATE, NotConnectedError],
  [GW_ERR_TLS_PIN, PinError],
  [GW_ERR_NOT_SENT, NotSentError],
  [GW_ERR_OUTCOME_UNKNOWN, OutcomeUnknownError],
  [GW_ERR_CALL_TIMEOUT, CallTimeoutError],
  [GW_ERR_CANCELLED, CallCancelledError]
])

const GROUPS = {
  1: UsageError, 2: NetworkError, 3: TlsError, 4: UpgradeError, 5: WebSocketError, 6: GatewayError, 7: SocketIOError,
  9: ResourceError
}

function makeError (status, message, facts = {}) {
  if (status === GW_ERR_REJECTED) return new RpcError(facts.gatewayCode || 'UNAVAILABLE', message, facts)
  const Type = SPECIAL.get(status) ?? GROUPS[Math.trunc(-status / 100)] ?? GatewireError
  return new Type(status, message, facts)
}

/** The error for a function of the library that answered with a negative status just now. */
function lastError (status, facts = {}) {
  const last = native.lastError()
  // The detail belongs to another failure if the handle was gone already, because then nothing was asked.
  if (last.status !== status) return makeError(status, '', { actor: 1, ...facts })
  return makeError(status, last.text, { actor: last.actor, ...facts })
}

module.exports = { classes, ...classes, actorName, lastError, makeError, statusName }
