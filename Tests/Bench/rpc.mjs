// RPC round trips of one Node client against a gateway, as rpc.c does in C.  rpc.mjs URL [PIN] --window N --seconds S
import { parseArgs } from 'node:util'
import { connect } from '../../bindings/node/lib/index.mjs'

const { values, positionals: [url, pin] } = parseArgs({
  allowPositionals: true,
  options: {
    window: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '2' },
    method: { type: 'string', default: 'health' }
  }
})
const client = await connect(url, pin ? { pins: [pin] } : {})
let answered = 0
const began = performance.now()
const used = process.cpuUsage()
const ends = began + Number(values.seconds) * 1000

async function caller () {
  while (performance.now() < ends) {
    await client.call(values.method)
    answered++
  }
}

await Promise.all(Array.from({ length: Number(values.window) }, caller))
const seconds = (performance.now() - began) / 1000
const { user, system } = process.cpuUsage(used)
console.log(JSON.stringify({
  window: Number(values.window),
  calls: answered,
  seconds: Number(seconds.toFixed(3)),
  per_second: Math.round(answered / seconds),
  cpu_us_per_call: Number(((user + system) / answered).toFixed(3))
}))
await client.close()
