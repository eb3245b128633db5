'use strict'

// A client of a gateway on Node's `ws`, with a device identity and a signature of node:crypto: nothing in it is ours
// but what the protocol says.
//
//   node ws_client.js URL TOKEN [CA.pem]     connects, calls health, prints the answer

const crypto = require('node:crypto')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')

/** The `ws` package, as installed for this user or by Debian's node-ws; undefined if there is none. */
function findWs () {
  for (const place of ['ws', '/usr/share/nodejs/ws']) {
    try {
      return require(place)
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
    }
  }
}

function base64url (bytes) {
  return Buffer.from(bytes).toString('base64url')
}

/** An Ed25519 key pair with the names that the protocol gives to its parts. */
class Device {
  constructor () {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519')
    this.privateKey = privateKey
    this.rawPublicKey = Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url')
    this.id = crypto.createHash('sha256').update(this.rawPublicKey).digest('hex')
  }

  /** The device member of a connect request. */
  prove ({ client, role, scopes, token, nonce, signedAt }) {
    const payload = [
      'v3', this.id, client.id, client.mode, role, scopes.join(','), signedAt, token ?? '', nonce,
      client.platform.toLowerCase(), (client.deviceFamily ?? '').toLowerCase()
    ].join('|')
    return {
      id: this.id,
      publicKey: base64url(this.rawPublicKey),
      signature: base64url(crypto.sign(null, Buffer.from(payload), this.privateKey)),
      signedAt,
      nonce
    }
  }
}

/** A connection that has sent nothing yet.  Emits 'event' for the gateway's events. */
class WsClient extends EventEmitter {
  #answers = new Map()
  #nextId = 1

  constructor (url, options = {}) {
    super()
    const { WebSocket } = findWs()
    this.socket = new WebSocket(url, options)
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        for (const { reject } of this.#answers.values()) reject(new Error(`closed: ${code} ${reason}`))
        resolve({ code, reason: reason.toString() })
      })
    })
    this.socket.on('error', () => {}) // told by 'close'
    this.challenge = new Promise((resolve) => this.once('challenge', resolve))
    this.socket.on('message', (data) => this.#take(JSON.parse(data)))
  }

  async opened () {
    if (this.socket.readyState !== this.socket.OPEN) await once(this.socket, 'open')
  }

  #take (frame) {
    if (frame.type === 'event') {
      if (frame.event === 'connect.challenge') this.emit('challenge', frame.payload)
      else this.emit('event', frame)
      return
    }
    const answer = this.#answers.get(frame.id)
    this.#answers.delete(frame.id)
    answer?.resolve(frame)
  }

  /** The frame that answers a request. */
  request (method, params) {
    const id = `ws-${this.#nextId++}`
    this.socket.send(JSON.stringify({ type: 'req', id, method, params }))
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }))
  }

  /** The answer to a signed connect request; change may alter its params before they are sent. */
  async connect ({ device = new Device(), token, change = (params) => params } = {}) {
    const { nonce, ts } = await this.challenge
    const client = { id: 'gateway-client', version: '1.0.0', platform: 'Linux', mode: 'backend' }
    const role = 'operator'
    const scopes = ['operator.read', 'operator.write']
    const params = { minProtocol: 3, maxProtocol: 4, client, role, scopes, caps: [] }
    if (token !== undefined) params.auth = { token }
    params.device = device.prove({ client, role, scopes, token, nonce, signedAt: ts })
    return this.request('connect', change(params))
  }

  /** Bytes on the connection that are no frame of ws. */
  writeRaw (bytes) {
    this.socket._socket.write(bytes)
  }

  async close () {
    this.socket.close()
    return this.closed
  }
}

async function main ([url, token, ca]) {
  const client = new WsClient(url, ca === undefined ? {} : { ca: fs.readFileSync(ca) })
  const hello = await Promise.race([client.connect({ token }), client.closed])
  if (!hello.ok) throw new Error(JSON.stringify(hello))
  console.log(JSON.stringify(await client.request('health')))
  await client.close()
}

module.exports = { Device, WsClient, findWs }

if (require.main === module) {
  if (process.argv.length < 4) {
    console.error('usage: node ws_client.js URL TOKEN [CA.pem]')
    process.exitCode = 2
  } else if (findWs() === undefined) {
    console.error('ws_client.js: there is no ws package (Debian: apt-get install node-ws)')
    process.exitCode = 3
  } else {
    main(process.argv.slice(2)).catch((error) => {
      console.error(`ws_client.js: ${error.message}`)
      process.exitCode = 1
    })
  }
}
