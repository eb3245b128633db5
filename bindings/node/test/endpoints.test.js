'use strict'

const assert = require('node:assert/strict')

const { failure, gatewire, startClient, startServer, test } = require('./support.js')

test('the first endpoint that proves itself is used', async (t) => {
  const other = await startServer(t)
  const server = await startServer(t)
  const client = await startClient(t, { url: other.url, pin: server.pin }, { alternates: [server.url] })
  assert.equal(client.state().endpoint, 1)
  assert.equal((await client.call('health')).ok, true)
})

test('wrong alternates are refused', async () => {
  const open = (alternates) => () => new gatewire.Client('ws://localhost', { alternates })
  assert.throws(open(5), /alternates must be a string or an array/)
  assert.throws(open('ftp://a'), { code: 'GW_ERR_URL' })
  const error = await failure(gatewire.doctor('ws://localhost', { alternates: 'ws://localhost:1' }))
  assert.match(error.message, /one URL/)
})
