// A WebSocket server that sends every message to all who are connected, over TLS with a certificate made for this run.
//
//   node websocket-server.mjs [PORT]
//
// In a program of your own, import from 'gatewire'.
import { WebSocketServer } from '../../bindings/node/lib/index.mjs'

const server = new WebSocketServer({
  port: Number(process.argv[2] ?? 0),
  protocols: ['chat'],
  maxPayload: 64 * 1024,
  maxMessagesPerSecond: 100,
  verifyClient: ({ req }) => req.url === '/'
})

server.on('listening', () => console.log(`url    ${server.url}\npin    ${server.pin}`))
server.on('error', (error) => console.error(error.message))
server.on('refused', (error, request) => console.log(`refused: ${request?.url ?? ''} ${error.message}`))

server.on('connection', (socket, request) => {
  const name = `${request.socket.remoteAddress}:${request.socket.remotePort}`
  console.log(`+ ${name}`)
  socket.on('message', (data, isBinary) => {
    // Who does not read what is sent to him gets nothing more until he has.
    for (const other of server.clients) if (!other.writableNeedDrain) other.send(data, { binary: isBinary })
  })
  socket.on('close', (code, reason) => console.log(`- ${name} ${code} ${reason}`))
})

process.once('SIGINT', () => server.close())
