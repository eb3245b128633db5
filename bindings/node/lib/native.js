'use strict'

// The addon, and the table that it writes and we read: an id, then a row for each event (src/addon.h has the same
// numbers).

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const file = path.join(__dirname, '..', 'build', 'gatewire.node')

// Node has an OpenSSL and a zlib inside, whose names come first in the order of the dynamic linker.  The library must
// have the system's, which it was built with and which gets the system's security updates.
const { RTLD_DEEPBIND = 0, RTLD_NOW } = os.constants.dlopen

function load () {
  if (!fs.existsSync(file)) {
    throw new Error(
      `gatewire: ${file} is not there: build it with "make" in the source tree, or "npm run build" in bindings/node`)
  }
  const addon = { exports: {} }
  try {
    process.dlopen(addon, file, RTLD_NOW | RTLD_DEEPBIND)
  } catch (cause) {
    if (cause.code === 'ERR_GATEWIRE_ABI') throw cause
    const where = 'libgatewire.so.0 must lie beside it or in build/ of the source tree'
    throw new Error(`gatewire: ${file} could not be loaded (${cause.message}); ${where}`, { cause })
  }
  return addon.exports
}

module.exports = {
  native: load(),

  ID_LOW: 0,
  ID_HIGH: 1,
  FIRST_ROW: 4,

  TYPE: 0,
  STATUS: 1,
  OWNER: 2,
  CODE: 3,
  FLAGS: 4,
  ACTOR: 5,
  RETRY_AFTER: 6,
  NAME: 7,
  PAYLOAD: 8,
  TEXT: 9,
  CONNECTION: 10,
  SUBJECT: 12,
  SEQUENCE: 14,
  ROW_WORDS: 16,

  PAYLOAD_IS_LARGE: 0xffffffff
}
