// Connects to a gateway, calls, and follows a chat to its end.
//
//   node quickstart.mjs wss://127.0.0.1:18789 TOKEN PIN
//
// In a program of your own, import from 'gatewire'.
import { randomUUID } from 'node:crypto'

import { connect, RpcError } from '../../bindings/node/lib/index.mjs'

const [url, token, pin] = process.argv.slice(2)
if (url === undefined) {
  console.error('usage: node quickstart.mjs URL [TOKEN [PIN]]')
  process.exit(2)
}

const client = await connect(url, { token, pins: pin })
const { deflate, protocol } = client.state()
console.log(`connected to ${client.hello.server.version}, protocol ${protocol}, compression ${deflate ? 'on' : 'off'}`)

const { agents } = await client.call('agents.list')
console.log('agents:', agents.map((agent) => agent.id).join(', '))

const chat = client.events({ names: ['chat'] })
await client.call('chat.send', {
  sessionKey: 'main', message: 'Hello from Node', idempotencyKey: randomUUID()
})
for await (const { payload } of chat) {
  if (payload.state === 'delta') process.stdout.write(payload.deltaText ?? '')
  if (payload.state === 'final') break
}
console.log()

try {
  await client.call('no.such.method')
} catch (error) {
  if (!(error instanceof RpcError)) throw error
  console.log(`rejected, as it should be: ${error.gatewayCode}: ${error.message}`)
}

await client.close()
