'use strict'

// What a client proves itself with: the option `credentials`, which is asked at each attempt, and setCredentials.

const { lastError } = require('./errors.js')
const { native } = require('./native.js')
const { checkBoolean, checkText, readOptions, wrongType } = require('./options.js')

/** A kind of option for readOptions: an object of names and booleans, flat and as texts. */
function checkPermissions (name, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrongType(name, 'an object', value)
  return Object.entries(value).flatMap(([permission, granted]) => [
    checkText(name, permission), checkBoolean(`${name}["${permission}"]`, granted) ? '1' : '0'
  ])
}

/** A kind of option for readOptions: what is added to the connect request. */
function checkExtraParams (name, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrongType(name, 'an object', value)
  return JSON.stringify(value)
}

function readCredentials (where, value) {
  return readOptions(where, value, native.credentialOptions, {}).values
}

/** Asks for the credentials of a notice.  What ask throws is the program's, and no answer. */
async function answerCredentials (ask, place, notice) {
  const { subjectLow: low, subjectHigh: high } = notice
  let values
  try {
    const given = await ask()
    if (given !== undefined && given !== null) values = readCredentials('credentials', given)
  } finally {
    // That it came too late shows where the attempt ends.
    native.clientAnswerCredentials(place, low, high, values)
  }
}

function setCredentials (place, credentials) {
  const status = native.clientSetCredentials(place, readCredentials('setCredentials', credentials))
  if (status < 0) throw lastError(status)
}

module.exports = { answerCredentials, checkExtraParams, checkPermissions, setCredentials }
