'use strict'

// Node's `ws` for the tests of raw WebSockets: an echo server, and a client that examines one.
//
//   node ws_echo.js serve [--deflate] [--tls CERTIFICATE KEY]    prints its port; runs until it is killed
//   node ws_echo.js check URL [--deflate] [--ca FILE]            exit status 0: all is as it has to be

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')

const { findWs } = require('./ws_client.js')
const { WebSocket, WebSocketServer } = findWs()

const [command, ...rest] = process.argv.slice(2)
const perMessageDeflate = rest.includes('--deflate') && { threshold: 0 }

/** The words behind an option. */
function option (name, count) {
  const at = rest.indexOf(name)
  return at < 0 ? undefined : rest.slice(at + 1, at + 1 + count)
}

function sendParts (socket, parts) {
  parts.forEach((part, i) => socket.send(part, { fin: i === parts.length - 1 }))
}

function echo (socket) {
  socket.on('pong', (payload) => socket.send(`pong ${payload}`))
  socket.on('message', (data, isBinary) => {
    const [word, ...words] = isBinary ? [] : data.toString().split(' ')
    if (word === 'close') socket.close(Number(words[0]), words.slice(1).join(' '))
    else if (word === 'ping') socket.ping(words.join(' '))
    else if (word === 'parts') sendParts(socket, words)
    else socket.send(data, { binary: isBinary })
  })
}

function serve () {
  const [cert, key] = (option('--tls', 2) ?? []).map((file) => fs.readFileSync(file))
  const server = cert === undefined ? http.createServer() : https.createServer({ cert, key })
  new WebSocketServer({ server, perMessageDeflate }).on('connection', echo)
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
}

async function open () {
  const ca = option('--ca', 1)?.map((file) => fs.readFileSync(file))
  const socket = new WebSocket(rest[0], { perMessageDeflate, ca })
  await once(socket, 'open')
  assert.equal(socket.extensions.includes('permessage-deflate'), perMessageDeflate !== false)
  return socket
}

async function comesBack (socket, data) {
  socket.send(data)
  const [answer, isBinary] = await once(socket, 'message')
  assert.equal(isBinary, Buffer.isBuffer(data))
  assert.ok(answer.equals(Buffer.from(data)), `${data.length} came back as ${answer.length}`)
}

async function textOf (socket) {
  const [data, isBinary] = await once(socket, 'message')
  assert.equal(isBinary, false)
  return data.toString()
}

async function check () {
  let socket = await open()
  for (const size of [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20]) {
    const text = 'words and more words '.repeat(size / 21 + 1).slice(0, size)
    await comesBack(socket, text)
    await comesBack(socket, Buffer.from(text))
  }
  await comesBack(socket, 'größer: € 🜁')

  const whole = textOf(socket)
  socket.send('one ', { fin: false })
  socket.ping('between')
  socket.send('two ', { fin: false })
  socket.send('three', { fin: true })
  assert.equal(await whole, 'one two three')
  const parts = textOf(socket)
  socket.send('parts one two three')
  assert.equal(await parts, 'onetwothree')

  const pong = once(socket, 'pong')
  socket.ping('there?')
  assert.equal((await pong)[0].toString(), 'there?')
  const pinged = once(socket, 'ping')
  const told = textOf(socket)
  socket.send('ping here?')
  assert.equal((await pinged)[0].toString(), 'here?')
  assert.equal(await told, 'pong here?')

  let closed = once(socket, 'close')
  socket.send('close 4001 that is enough')
  assert.deepEqual((await closed).map(String), ['4001', 'that is enough'])

  socket = await open()
  closed = once(socket, 'close')
  socket.close(4999, 'done')
  assert.equal((await closed)[0], 4999)
}

if (command === 'serve') {
  serve()
} else {
  check().then(() => process.exit(0), (error) => {
    console.error(error)
    process.exit(1)
  })
}
