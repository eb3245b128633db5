'use strict'

// States and sums, as numbers of the addon (src/socket.c and src/listener.c have the same order).

const { native } = require('./native.js')

const STATE = [
  'queuedBytes', 'phase', 'tls', 'deflate', 'clientNoContextTakeover', 'serverNoContextTakeover', 'clientMaxWindowBits',
  'serverMaxWindowBits', 'closeFirst', 'closeCodeSent', 'closeCodeReceived', 'memoryBytes', 'roundTripMs',
  'messagesReceived', 'messagesSent', 'bytesReceived', 'bytesSent', 'wireBytesReceived', 'wireBytesSent',
  'receivedBeforeInflate', 'receivedAfterInflate', 'sentBeforeDeflate', 'sentAfterDeflate', 'resolveMs', 'connectMs', 'proxyMs', 'tlsMs', 'upgradeMs'
]

const STATISTICS = [
  'connectionsNow', 'connections', 'refused', 'messagesReceived', 'messagesSent', 'bytesReceived', 'bytesSent',
  'wireBytesReceived', 'wireBytesSent'
]

const PHASES = [
  'waiting', 'resolve', 'connect', 'tls', 'upgrade', 'challenge', 'hello', 'ready', 'closing', 'closed', 'proxy'
]
const PHASE_CLOSED = PHASES.indexOf('closed')

const SIDES = ['nobody', 'local', 'peer']

const stateNumbers = new Float64Array(STATE.length)
const statisticsNumbers = new Float64Array(STATISTICS.length)
// The first number is that of bufferedAmount, which programs ask for often.
const queuedBytes = stateNumbers.subarray(0, 1)

function nameNumbers (names, numbers) {
  const named = {}
  for (let i = 0; i < names.length; i++) named[names[i]] = numbers[i]
  return named
}

/** State of a connection; zeros and 'closed' for one that is gone. */
function readState (place, low, high) {
  if (native.socketState(place, low, high, stateNumbers) < 0) {
    stateNumbers.fill(0)
    stateNumbers[STATE.indexOf('phase')] = PHASE_CLOSED
  }
  const state = nameNumbers(STATE, stateNumbers)
  state.phase = PHASES[state.phase] ?? 'unknown'
  state.closeFirst = SIDES[state.closeFirst] ?? 'unknown'
  for (const name of ['tls', 'deflate', 'clientNoContextTakeover', 'serverNoContextTakeover']) {
    state[name] = state[name] !== 0
  }
  return state
}

function readQueuedBytes (place, low, high) {
  return native.socketState(place, low, high, queuedBytes) < 0 ? 0 : queuedBytes[0]
}

/** Sums of a server; zeros for one that is gone. */
function readStatistics (place) {
  if (native.listenerStats(place, statisticsNumbers) < 0) statisticsNumbers.fill(0)
  return nameNumbers(STATISTICS, statisticsNumbers)
}

module.exports = { readQueuedBytes, readState, readStatistics }
