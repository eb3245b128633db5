'use strict'

// What the tests against Node's `ws` share.

const nodeTest = require('node:test')

const { findWs } = require('../../../Tests/Peers/ws_client.js')
const { test } = require('./support.js')

const ws = findWs()

const check = ws === undefined
  ? (name) => nodeTest(name, { skip: 'there is no ws package (Debian: apt-get install node-ws)' }, () => {})
  : test

module.exports = { check, ws }
