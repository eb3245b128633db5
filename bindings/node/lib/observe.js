'use strict'

// What a client has done: the option `observe`, sums, and what the flight recorder holds.

const { lastError } = require('./errors.js')
const { native } = require('./native.js')
const { checkChoice, checkObject, readOptions } = require('./options.js')

const {
  GW_LOG_DEBUG, GW_LOG_ERROR, GW_LOG_INFO, GW_LOG_WARNING, GW_OBSERVE_DUMP_ON_FAILURE, GW_OBSERVE_METHODS
} = native.constants

const CHOICES = {
  methods: new Map([[false, 0], [true, GW_OBSERVE_METHODS]]),
  dumpOnFailure: new Map([[false, 0], [true, GW_OBSERVE_DUMP_ON_FAILURE]])
}

const LEVELS = new Map([
  ['error', GW_LOG_ERROR], ['warning', GW_LOG_WARNING], ['info', GW_LOG_INFO], ['debug', GW_LOG_DEBUG]
])
const LEVEL_NAMES = new Map([...LEVELS].map(([name, number]) => [number, name]))

/** A kind of option for readOptions. */
function readObserve (name, value) {
  checkObject(name, value)
  const { log, ...rest } = value
  const level = log === undefined ? 0 : checkChoice(`${name}: log`, log, LEVELS)
  return { ...readOptions(name, rest, native.observeOptions, CHOICES), level }
}

/** The payload of the event 'log'. */
function logEntry (notice) {
  return {
    level: LEVEL_NAMES.get(notice.code) ?? 'unknown',
    kind: notice.name,
    text: notice.text === '' ? notice.payload.text() : notice.text,
    size: notice.subjectLow
  }
}

function readStats (place) {
  const stats = native.clientStats(place)
  if (typeof stats === 'number') throw lastError(stats)
  return stats
}

function readDump (place) {
  const lines = native.clientDump(place)
  if (typeof lines === 'number') throw lastError(lines)
  return lines.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
}

module.exports = { logEntry, readDump, readObserve, readStats }
