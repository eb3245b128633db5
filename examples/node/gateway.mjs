// A gateway with a method of its own, an event a second, and a certificate made for this run.
//
//   node gateway.mjs [PORT] [TOKEN]
//
// In a program of your own, import from 'gatewire'.
import { serve, RpcError } from '../../bindings/node/lib/index.mjs'

const port = Number(process.argv[2] ?? 0)
const token = process.argv[3] ?? 'demo'

const server = await serve({ port, token })
console.log(`url    ${server.url}\ntoken  ${token}\npin    ${server.pin}`)

server.method('greet', ({ name } = {}) => {
  if (typeof name !== 'string') throw new RpcError('INVALID_REQUEST', 'name must be text')
  return { text: `Hello ${name}` }
})

server.method('count', async ({ to }, request) => {
  request.accept({ to })
  for (let n = 1; n <= to; n++) {
    request.peer.push('count', { n })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { status: 'ok', to }
})

server.on('peer', (peer) => console.log(`+ ${peer.remote} ${peer.deviceId ?? 'without device'}`))
server.on('peer-closed', (peer, error) => console.log(`- ${peer.remote} ${error?.message ?? ''}`))
server.on('peer-refused', (error) => console.log(`refused: ${error?.message ?? ''}`))

const clock = setInterval(() => server.push('clock', { now: new Date().toISOString() }), 1000)

process.once('SIGINT', async () => {
  clearInterval(clock)
  await server.stop('the example ends')
})
