'use strict'

// Tests/Vectors/openclaw through Node.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')

const { gatewire, test } = require('./support.js')

const directory = path.join(__dirname, '..', '..', '..', 'Tests', 'Vectors', 'openclaw')

function vectors (name) {
  return JSON.parse(fs.readFileSync(path.join(directory, name), 'utf8'))
}

function normalized (text) {
  try {
    return gatewire.normalizePin(text)
  } catch (error) {
    assert.equal(error.code, 'GW_ERR_PIN_TEXT', text)
    return ''
  }
}

test('fingerprint.json: a pin text that is valid under the strict rule is read as it says', () => {
  const { cases } = vectors('fingerprint.json')
  assert.ok(cases.length > 0)
  for (const { input, strict, strictValid } of cases) {
    if (strictValid && !input.includes('\0')) assert.equal(normalized(input), strict, input)
  }
})

test('fingerprint.json: any other text is no pin, a lenient form of one, or a line of openssl', () => {
  const { cases, certificateSha256Hex } = vectors('fingerprint.json')
  for (const { input, lenientStrip, strictValid } of cases) {
    if (strictValid || input.includes('\0')) continue
    const pin = normalized(input)
    if (pin !== '') assert.ok([lenientStrip, certificateSha256Hex].includes(pin), input)
  }
})

/** What the library says of a URL before it uses the network. */
function refusal (url, options) {
  try {
    new gatewire.Client(url, options).close()
  } catch (error) {
    return error.code
  }
}

test('network-policy.json: plain text is refused wherever the policy refuses it', () => {
  const { urls } = vectors('network-policy.json')
  assert.ok(urls.length > 0)
  for (const { url, allowed } of urls) {
    for (const [plaintext, isAllowed] of [['loopback', allowed.springDefault], ['private', allowed.currentDefault]]) {
      const code = refusal(url, { plaintext, reconnect: false })
      // A URL may be refused for its form too: the library takes fewer forms than the WHATWG rules do.
      if (isAllowed) assert.notEqual(code, 'GW_ERR_PLAINTEXT', `${plaintext} ${url}`)
      else assert.match(String(code), /GW_ERR_(PLAINTEXT|URL|ARGUMENT)/, `${plaintext} ${url}`)
    }
  }
})

test('network-policy.json: every URL of a usual form that the policy allows is taken', () => {
  for (const { url, allowed } of vectors('network-policy.json').urls) {
    const isUsual = /^wss?:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?\/?$/.test(url) && URL.canParse?.(url) !== false
    if (isUsual && allowed.springDefault) assert.equal(refusal(url, { reconnect: false }), undefined, url)
  }
})
