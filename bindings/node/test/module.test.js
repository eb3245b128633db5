'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { gatewire, test } = require('./support.js')

test('both kinds of import give the same names', async () => {
  const imported = await import('../lib/index.mjs')
  assert.deepEqual(Object.keys(imported).filter((name) => name !== 'default').sort(), Object.keys(gatewire).sort())
  for (const name of Object.keys(gatewire)) assert.equal(imported[name], gatewire[name])
  assert.equal(imported.default, gatewire)
})

test('the types declare every name that is exported, and every option', () => {
  const files = ['index.d.ts', 'socketio.d.ts', 'websocket.d.ts'].map((file) => path.join(__dirname, '..', file))
  const types = files.map((file) => fs.readFileSync(file, 'utf8')).join('\n')
  for (const name of Object.keys(gatewire)) {
    assert.match(types, new RegExp(`export (class|function|const) ${name}\\b`), name)
  }
  const { native } = require('../lib/native.js')
  const interfaces = {
    ClientOptions: native.clientOptions,
    ServerOptions: native.serverOptions,
    SocketIOOptions: { ...native.socketIOClientOptions, ...native.socketIOOptions },
    WebSocketOptions: native.socketOptions,
    WebSocketServerOptions: native.listenerOptions,
    WebSocketLimits: native.limitOptions,
    PerMessageDeflateOptions: native.deflateOptions
  }
  // What stands elsewhere: an argument of its own, and members of zlibDeflateOptions.
  const elsewhere = ['protocols', 'level', 'memLevel']
  for (const [type, options] of Object.entries(interfaces)) {
    const body = types.match(new RegExp(`interface ${type} (?:extends \\w+ )?\\{(.*?)\\n\\}`, 's'))[1]
    for (const name of Object.keys(options)) {
      if (!elsewhere.includes(name)) assert.match(body, new RegExp(`^  ${name}\\?:`, 'm'), name)
    }
  }
})

test('the package has the version of the library', () => {
  assert.equal(require('../package.json').version, gatewire.version)
  assert.match(gatewire.dependencies, /OpenSSL 3/)
})

test('the OpenSSL and the zlib are the system\'s, not those inside node', (t) => {
  const library = path.join(__dirname, '..', '..', '..', 'build', 'libgatewire.so')
  const program = `import ctypes
f = ctypes.CDLL("${library}").gw_dependencies
f.restype = ctypes.c_char_p
print(f().decode())`
  const { status, stdout } = spawnSync('python3', ['-c', program], { encoding: 'utf8' })
  if (status !== 0) t.skip('no python3 or no build/libgatewire.so to compare with')
  else assert.equal(gatewire.dependencies, stdout.trim())
})

test('every number of the library that is used here is known to the addon', () => {
  const { native } = require('../lib/native.js')
  const directory = path.join(__dirname, '..', 'lib')
  for (const file of fs.readdirSync(directory)) {
    const source = fs.readFileSync(path.join(directory, file), 'utf8').replaceAll(/'[^'\n]*'/g, '')
    for (const [name] of source.matchAll(/\bGW_[A-Z_]+\b/g)) {
      assert.equal(typeof native.constants[name], 'number', `${name} in ${file}`)
    }
  }
})

test('errors are of one family, with the group of their status', () => {
  const { makeError } = require('../lib/errors.js')
  const cases = [
    [-100, 'UsageError'], [-103, 'NotConnectedError'], [-202, 'NetworkError'], [-300, 'TlsError'], [-301, 'PinError'],
    [-400, 'UpgradeError'], [-504, 'WebSocketError'], [-602, 'GatewayError'], [-607, 'RpcError'],
    [-608, 'NotSentError'], [-609, 'OutcomeUnknownError'], [-610, 'CallTimeoutError'], [-614, 'CallCancelledError'],
    [-701, 'SocketIOError'], [-900, 'ResourceError'], [-999, 'ResourceError'], [-12345, 'GatewireError']
  ]
  for (const [status, name] of cases) {
    const error = makeError(status, 'words', { actor: 3, code: 1008 })
    assert.equal(error.constructor.name, name)
    assert.ok(error instanceof gatewire.GatewireError && error instanceof Error)
    assert.equal(error.status, status)
    assert.match(error.code, /^GW_ERR_/)
    assert.equal(error.message, 'words')
    assert.equal(error.actor, 'operator')
    if (name !== 'RpcError') assert.equal(error[status === -400 ? 'httpStatus' : 'closeCode'], 1008)
  }
  assert.notEqual(makeError(-100, '').message, '')
})
