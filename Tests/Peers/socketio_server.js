'use strict'

// A Socket.IO server on Debian's `ws` and the official packet codec, for socketio_client.c: the same events as
// socketio_server.py, and connection state recovery beside.
//
//   node socketio_server.js PORT PING_INTERVAL PING_TIMEOUT     seconds; prints its port; runs until it is killed

const crypto = require('node:crypto')
const http = require('node:http')

const { findWs } = require('./ws_client.js')
const { WebSocketServer } = findWs()
// A node that is not Debian's does not look there by itself.
process.env.NODE_PATH = '/usr/share/nodejs'
require('node:module')._initPaths()
const { Decoder, Encoder, PacketType } = require('socket.io-parser')

const [port, interval, timeout] = process.argv.slice(2).map(Number)
const PATH = '/gateway/socket.io/'
const NAMESPACES = ['/', '/secure']

// What a session missed while it had no connection, by its private id.
const sessions = new Map()

const id = () => crypto.randomBytes(9).toString('base64url')

/** One client in one namespace. */
class Space {
  constructor (connection, nsp, sid, pid) {
    Object.assign(this, { connection, nsp, sid, pid })
    this.acks = new Map()
  }

  emit (name, ...args) {
    const session = sessions.get(this.pid)
    const offset = String(++session.count)
    session.events.push([name, ...args, offset])
    this.connection.write({ type: PacketType.EVENT, nsp: this.nsp, data: [name, ...args, offset] })
  }

  ask (name, ...args) {
    const number = Space.asked++
    this.connection.write({ type: PacketType.EVENT, nsp: this.nsp, id: number, data: [name, ...args] })
    return new Promise((resolve) => this.acks.set(number, resolve))
  }
}
// One counter for all: the ids that one client sees jump.
Space.asked = 17

const handlers = {
  echo: (space, ack, ...args) => space.emit('echoed', ...args),
  swap: (space, ack, ...args) => ack(...args.reverse()),
  ask: async (space, ack, ...args) => space.emit('answered', ...await space.ask('question', ...args)),
  later: (space, ack, seconds) => setTimeout(ack, seconds * 1000, 'later'),
  silent: (space, ack) => ack(),
  bye: (space) => space.connection.leave(space),
  drop: (space) => space.connection.socket.terminate(),
  mute: (space) => { space.connection.isMute = true },
  // The event comes when there is no connection any more.
  miss: (space, ack, text) => {
    space.connection.socket.terminate()
    space.emit('missed', text)
  }
}

class Connection {
  constructor (socket) {
    this.socket = socket
    this.spaces = new Map()
    this.decoder = new Decoder()
    this.encoder = new Encoder()
    this.decoder.on('decoded', (packet) => this.read(packet))
    socket.on('message', (data, isBinary) => this.receive(data, isBinary))
    socket.on('error', () => {})
    socket.on('close', () => clearTimeout(this.timer))
    this.send('0' + JSON.stringify({
      sid: id(), upgrades: [], pingInterval: interval * 1000, pingTimeout: timeout * 1000, maxPayload: 1e6
    }))
    this.ping()
  }

  send (data) {
    if (this.socket.readyState === 1) this.socket.send(data)
  }

  ping () {
    this.timer = setTimeout(() => {
      if (this.isMute) return
      this.send('2')
      this.timer = setTimeout(() => this.socket.close(), timeout * 1000)
    }, interval * 1000)
  }

  write (packet) {
    for (const part of this.encoder.encode(packet)) this.send(typeof part === 'string' ? '4' + part : part)
  }

  receive (data, isBinary) {
    try {
      if (isBinary) return this.decoder.add(data)
      const text = data.toString()
      if (text === '3') {
        clearTimeout(this.timer)
        this.ping()
      } else if (text[0] === '4') {
        this.decoder.add(text.slice(1))
      } else {
        // As the official server: a ping of the client's is the wrong direction.
        this.socket.close()
      }
    } catch {
      this.socket.close()
    }
  }

  read (packet) {
    if (packet.type === PacketType.CONNECT) return this.join(packet)
    const space = this.spaces.get(packet.nsp)
    if (!space) return this.socket.close()
    switch (packet.type) {
      case PacketType.DISCONNECT:
        this.spaces.delete(packet.nsp)
        break
      case PacketType.EVENT:
      case PacketType.BINARY_EVENT: {
        const ack = (...args) => {
          if (packet.id !== undefined) this.write({ type: PacketType.ACK, nsp: packet.nsp, id: packet.id, data: args })
        }
        handlers[packet.data[0]](space, ack, ...packet.data.slice(1))
        break
      }
      case PacketType.ACK:
      case PacketType.BINARY_ACK:
        space.acks.get(packet.id)?.(packet.data)
        space.acks.delete(packet.id)
        break
      default:
        this.socket.close()
    }
  }

  join ({ nsp, data }) {
    const refuse = (message, data) => this.write({ type: PacketType.CONNECT_ERROR, nsp, data: { message, data } })
    if (this.spaces.has(nsp)) return this.socket.close()
    if (!NAMESPACES.includes(nsp)) return refuse('Invalid namespace')
    if (nsp === '/secure' && data?.token !== 'good') return refuse('not authorized', { code: 401 })
    const session = sessions.get(data?.pid)
    const known = session && data.offset !== undefined
    const space = new Space(this, nsp, known ? session.sid : id(), known ? data.pid : id())
    if (known) {
      for (const event of session.events.slice(Number(data.offset))) {
        this.write({ type: PacketType.EVENT, nsp, data: event })
      }
    } else {
      sessions.set(space.pid, { sid: space.sid, count: 0, events: [] })
    }
    this.spaces.set(nsp, space)
    this.write({ type: PacketType.CONNECT, nsp, data: { sid: space.sid, pid: space.pid } })
    if (nsp === '/secure' && !known) space.emit('welcome', { token: data.token })
  }

  leave (space) {
    this.spaces.delete(space.nsp)
    this.write({ type: PacketType.DISCONNECT, nsp: space.nsp })
  }
}

const web = http.createServer((request, response) => response.writeHead(404).end())
const server = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 1024 } })
web.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://localhost')
  const isOurs = url.pathname === PATH && url.searchParams.get('transport') === 'websocket'
  if (!isOurs) return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nTransport unknown')
  server.handleUpgrade(request, socket, head, (client) => {
    // As the official server answers another protocol version.
    if (url.searchParams.get('EIO') !== '4') return socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    return new Connection(client)
  })
})
web.listen(port, '127.0.0.1', () => console.log(web.address().port))
