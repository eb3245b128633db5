'use strict'

// Which servers are believed: the option `trust` of clients and WebSockets, and the question about a server.

const { native } = require('./native.js')
const { checkChoice, checkFunction, checkText, readOptions } = require('./options.js')

const {
  GW_TLS_1_2, GW_TLS_1_3, GW_TRUST_ASK, GW_TRUST_CA, GW_TRUST_NO_RESUMPTION, GW_TRUST_NO_SNI, GW_TRUST_PIN,
  GW_TRUST_PIN_AND_CA, GW_TRUST_PIN_OR_CA, GW_TRUST_SYSTEM_CA
} = native.constants

const MODES = new Map([
  ['ca', GW_TRUST_CA], ['pin', GW_TRUST_PIN], ['pin-and-ca', GW_TRUST_PIN_AND_CA], ['pin-or-ca', GW_TRUST_PIN_OR_CA]
])
const VERSIONS = new Map([['1.2', GW_TLS_1_2], ['1.3', GW_TLS_1_3]])

const KINDS = {
  ...native.trustOptions,
  mode: (name, value) => checkChoice(name, value, MODES),
  minVersion: (name, value) => checkChoice(name, value, VERSIONS),
  maxVersion: (name, value) => checkChoice(name, value, VERSIONS),
  sni: (name, value) => value === false ? value : checkText(name, value),
  ask: checkFunction
}

const CHOICES = {
  systemCa: new Map([[false, 0], [true, GW_TRUST_SYSTEM_CA]]),
  resumption: new Map([[true, 0], [false, GW_TRUST_NO_RESUMPTION]])
}

/** A kind of option for readOptions.  What is not the addon's stands beside flags and values. */
function readTrust (name, value) {
  const { flags, values: { ask, sni, ...values } } = readOptions(name, value, KINDS, CHOICES)
  const asking = ask === undefined ? 0 : GW_TRUST_ASK
  if (sni === false) return { flags: flags | asking | GW_TRUST_NO_SNI, values, ask }
  return { flags: flags | asking, values: sni === undefined ? values : { ...values, sni }, ask }
}

/** Asks about the server of a notice.  Only true lets it in; what ask throws is the program's, and a refusal. */
async function answerTrust (ask, notice) {
  let isBelieved = false
  try {
    isBelieved = await ask?.({ message: notice.text, details: notice.payload.parse() }) === true
  } finally {
    native.trustAnswer(notice.subjectLow, notice.subjectHigh, isBelieved ? 1 : 0)
  }
}

/** The addon's answer to the question what TLS agreed on; undefined without a connection or without TLS. */
function readTls (state) {
  return typeof state === 'number' ? undefined : { ...state, resumed: state.resumed !== 0 }
}

module.exports = { answerTrust, readTls, readTrust }
