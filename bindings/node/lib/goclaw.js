'use strict'

// GoClaw's dialect: the options `dialect` and `goclaw` of clients and servers.

const { native } = require('./native.js')
const { checkChoice, checkNames, checkObject, checkText, checkTexts, readOptions, wrongType } = require('./options.js')

const {
  GW_DIALECT_DETECT, GW_DIALECT_GOCLAW, GW_DIALECT_OPENCLAW, GW_GOCLAW_NO_PAIRING, GW_GOCLAW_OWNERSHIP_UNAUTHORIZED
} = native.constants

const SERVED = new Map([['openclaw', GW_DIALECT_OPENCLAW], ['goclaw', GW_DIALECT_GOCLAW]])
const SPOKEN = new Map([...SERVED, ['detect', GW_DIALECT_DETECT]])

const CHOICES = {
  pairing: new Map([[true, 0], [false, GW_GOCLAW_NO_PAIRING]]),
  ownershipError: new Map([['FORBIDDEN', 0], ['UNAUTHORIZED', GW_GOCLAW_OWNERSHIP_UNAUTHORIZED]])
}

// Kinds of options for readOptions.

const readDialect = (name, value) => checkChoice(name, value, SPOKEN)

const readServedDialect = (name, value) => checkChoice(name, value, SERVED)

const readGoClaw = (name, value) => readOptions(name, value, native.goclawOptions, {})

function readGoClawServer (name, value) {
  checkObject(name, value)
  const { keys = [], ...rest } = value
  return { ...readOptions(name, rest, native.goclawServerOptions, CHOICES), keys: readKeys(`${name}.keys`, keys) }
}

/** Three texts a key: the key, its scopes, its user or ''. */
function readKeys (name, keys) {
  if (!Array.isArray(keys)) throw wrongType(name, 'an array', keys)
  return keys.flatMap((entry, i) => {
    const where = `${name}[${i}]`
    checkObject(where, entry)
    checkNames(where, entry, ['key', 'scopes', 'userId'])
    return [
      checkText(`${where}.key`, entry.key), checkTexts(`${where}.scopes`, entry.scopes ?? []).join(' '),
      checkText(`${where}.userId`, entry.userId ?? '')
    ]
  })
}

/** The event 'pairing' of a client. */
function pairing (notice) {
  return { state: notice.name, ...notice.payload.parse(), text: notice.text }
}

module.exports = { pairing, readDialect, readGoClaw, readGoClawServer, readServedDialect }
