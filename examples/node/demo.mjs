// The Node program of `make demo`: a call, a streamed run to its final answer, events, and a rejected call.
import assert from 'node:assert/strict'
import { connect, RpcError } from '../../bindings/node/lib/index.mjs'

const [url, pin] = process.argv.slice(2)

function show (label, value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  console.log(`  Node    ${label.padEnd(10)} ${text.slice(0, 90)}${text.length > 90 ? '...' : ''}`)
}

/** Prints the chat events up to the final one and says how many there were. */
async function showChat (events) {
  let count = 0
  for await (const { payload } of events) {
    show('chat', payload)
    count++
    if (payload.state === 'final') break
  }
  return count
}

const client = await connect(url, { pins: pin })
const state = client.state()
show('connected', `protocol ${state.protocol}, TLS with pin, ${state.deflate ? '' : 'not '}compressed`)
assert(state.tls && state.deflate)
show('health', await client.call('health'))

const chat = showChat(client.events({ names: ['chat'] }))
const run = { sessionKey: 'main', message: 'Hello from Node', idempotencyKey: 'demo-node' }
const final = await client.call('chat.send', run, {
  expectFinal: true, onAccepted: (payload) => show('accepted', payload)
})
assert(await chat >= 2)
show('final', final)

await assert.rejects(client.call('no.such.method', {}), (error) => {
  show('rejected', error.message)
  return error instanceof RpcError
})
await client.close()
