// Connects to any WebSocket server, sends a message and prints the first that comes.
//
//   node websocket-client.mjs wss://127.0.0.1:8443 [PIN]
//
// In a program of your own, import from 'gatewire'.
import { WebSocket } from '../../bindings/node/lib/index.mjs'

const [url, pin] = process.argv.slice(2)
if (url === undefined) {
  console.error('usage: node websocket-client.mjs URL [PIN]')
  process.exit(2)
}

const socket = new WebSocket(url, ['chat'], pin === undefined ? {} : { pins: pin })
await socket.opened()
console.log(`open: subprotocol ${socket.protocol || 'none'}, compression ${socket.extensions ? 'on' : 'off'}`)

await socket.sent('hello from Node')
for await (const message of socket) {
  console.log(`> ${message}`)
  break
}

const { code, wasClean } = await socket.close(1000, 'the example ends')
console.log(`closed: ${code}${wasClean ? '' : ', not cleanly'}`)
