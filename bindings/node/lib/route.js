'use strict'

// Which way leads to the server: the option `route` of clients and WebSockets.

const { native } = require('./native.js')
const { readOptions } = require('./options.js')

const CHOICES = {
  proxyFromEnvironment: new Map([[false, 0], [true, native.constants.GW_ROUTE_PROXY_ENVIRONMENT]])
}

/** A kind of option for readOptions. */
function readRoute (name, value) {
  return readOptions(name, value, native.routeOptions, CHOICES)
}

module.exports = { readRoute }
