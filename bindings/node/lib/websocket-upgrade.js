'use strict'

// The HTTP heads of an upgrade, with the names that node:http has for them.

const { STATUS_CODES } = require('node:http')

/** Names in lower case, repeated fields joined (RFC 9110 section 5.3), Set-Cookie as an array. */
function joinFields (fields) {
  // Without a prototype, because the names are the peer's.
  const headers = Object.create(null)
  for (const [name, value] of fields) {
    const key = name.toLowerCase()
    if (key === 'set-cookie') (headers[key] ??= []).push(value)
    else headers[key] = headers[key] === undefined ? value : `${headers[key]}${key === 'cookie' ? '; ' : ', '}${value}`
  }
  return headers
}

class Head {
  #fields
  #headers

  constructor (fields = []) {
    this.#fields = fields
  }

  get headers () {
    return (this.#headers ??= joinFields(this.#fields))
  }

  get rawHeaders () {
    return this.#fields.flat()
  }
}

/** What a peer asked a server for. */
class UpgradeRequest extends Head {
  constructor ({ target, headers, remote = '', subprotocols = [] }, isSecure) {
    super(headers)
    this.method = 'GET'
    this.url = target
    this.protocols = subprotocols
    const [, six, four, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(remote) ?? []
    this.socket = {
      remoteAddress: six ?? four,
      remoteFamily: six === undefined ? 'IPv4' : 'IPv6',
      remotePort: port === undefined ? undefined : Number(port),
      encrypted: isSecure
    }
  }
}

/** What a server answered. */
class UpgradeResponse extends Head {
  constructor (statusCode, { headers, body = '' }) {
    super(headers)
    this.statusCode = statusCode
    this.statusMessage = STATUS_CODES[statusCode] ?? ''
    this.body = body
  }
}

module.exports = { UpgradeRequest, UpgradeResponse }
