'use strict'

// Options are checked here for their names and types, so that the message names the option.  What they mean, and every
// default, is the library's.

const { inspect } = require('node:util')

const { native } = require('./native.js')

const NEVER = 0xffffffff

/** What was given, for a message.  Text is never shown: it may be a credential. */
function given (value) {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return inspect(value)
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'without prototype'})`
  return `a ${typeof value}`
}

function wrongType (name, expected, value) {
  const error = new TypeError(`${name} must be ${expected}, not ${given(value)}`)
  error.code = 'ERR_INVALID_ARG_TYPE'
  return error
}

function wrongValue (name, expected, value) {
  const error = new RangeError(`${name} must be ${expected}, not ${given(value)}`)
  error.code = 'ERR_OUT_OF_RANGE'
  return error
}

function checkText (name, value) {
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  if (value.includes('\0')) throw wrongValue(name, 'text without NUL characters', value)
  return value
}

function checkTexts (name, value) {
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list)) throw wrongType(name, 'a string or an array of strings', value)
  return list.map((element, i) => checkText(`${name}[${i}]`, element))
}

function checkInteger (name, value, least, most, expected) {
  if (typeof value !== 'number') throw wrongType(name, expected, value)
  if (!Number.isInteger(value) || value < least || value > most) throw wrongValue(name, expected, value)
  return value
}

function checkTime (name, value) {
  if (value === Infinity) return NEVER
  return checkInteger(name, value, 1, NEVER - 1, 'a whole number of milliseconds above 0, or Infinity')
}

/** 0: a thread of the library does all the work. */
function checkTakeover (name, value) {
  if (value === 0) return native.constants.GW_TAKEOVER_ALWAYS
  if (value === Infinity) return NEVER
  return checkInteger(name, value, 1, NEVER - 2, 'a whole number of milliseconds, or Infinity')
}

/** Names and values, one after the other. */
function checkHeaders (name, value) {
  if (value === null || typeof value !== 'object') throw wrongType(name, 'an object or an array of pairs', value)
  const pairs = Array.isArray(value) ? value : Object.entries(value)
  return pairs.flatMap((pair, i) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrongType(`${name}[${i}]`, 'a pair of name and value', pair)
    return [checkText(`${name}[${i}]`, pair[0]), checkText(`${name}["${pair[0]}"]`, pair[1])]
  })
}

const CHECKS = {
  text: checkText,
  texts: checkTexts,
  headers: checkHeaders,
  time: checkTime,
  count: (name, value) => checkInteger(name, value, 1, NEVER - 1, 'a whole number above 0'),
  port: (name, value) => checkInteger(name, value, 0, 65535, 'a port number from 0 to 65535')
}

function checkChoice (name, value, choices) {
  if (choices.has(value)) return choices.get(value)
  const expected = [...choices.keys()].map((choice) => inspect(choice)).join(' or ')
  const shown = typeof value === 'string' ? inspect(value) : given(value)
  const error = new TypeError(`${name} must be ${expected}, not ${shown}`)
  error.code = 'ERR_INVALID_ARG_VALUE'
  throw error
}

function checkObject (name, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrongType(name, 'an object', value)
}

/** refused: names that the user may expect, with what there is instead. */
function checkNames (where, options, allowed, refused = {}) {
  for (const name of Object.keys(options)) {
    if (allowed.includes(name)) continue
    const rest = Object.hasOwn(refused, name) ? refused[name] : `the options are ${[...allowed].sort().join(', ')}`
    const error = new TypeError(`${where}: there is no option "${name}"; ${rest}`)
    error.code = 'ERR_INVALID_ARG_VALUE'
    throw error
  }
}

/**
 * Reads options of what is opened.
 * kinds: the addon's options, by name; or functions that check one.  choices: options that stand for flags, each a Map
 * from value to flag.  refused: as in checkNames.
 */
function readOptions (where, options, kinds, choices, refused) {
  checkObject(`${where}: options`, options)
  checkNames(where, options, [...Object.keys(kinds), ...Object.keys(choices)], refused)
  const values = {}
  let flags = 0
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (name in choices) flags |= checkChoice(`${where}: ${name}`, value, choices[name])
    else values[name] = checkKind(`${where}: ${name}`, value, kinds[name])
  }
  return { flags, values }
}

function checkKind (name, value, kind) {
  return typeof kind === 'function' ? kind(name, value) : CHECKS[kind](name, value)
}

function checkFunction (name, value) {
  if (typeof value !== 'function') throw wrongType(name, 'a function', value)
  return value
}

function checkBoolean (name, value) {
  if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value)
  return value
}

module.exports = {
  checkBoolean, checkChoice, checkFunction, checkInteger, checkNames, checkObject, checkTakeover, checkText, checkTexts,
  checkTime, readOptions, wrongType, wrongValue
}
