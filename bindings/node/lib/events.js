'use strict'

// Events of the gateway, and the queue between them and `for await`.

const { ResourceError } = require('./errors.js')
const { native } = require('./native.js')

const { GW_ERR_LIMIT } = native.constants

/** An event of the gateway.  Its payload is parsed when it is looked at. */
class GatewayEvent {
  #slice
  #payload
  #isParsed = false

  constructor (name, seq, slice) {
    this.name = name
    this.seq = seq
    this.#slice = slice
  }

  get payload () {
    if (!this.#isParsed) {
      this.#payload = this.#slice.parse()
      this.#isParsed = true
    }
    return this.#payload
  }

  /** The payload as JSON, verbatim; empty if there is none. */
  get json () {
    return this.#slice.text()
  }
}

/** Events that wait for a `for await` loop.  A loop that falls behind by more than the limit ends with an error. */
class EventStream {
  #waiting = []
  #next = 0 // place in #waiting
  #limit
  #names
  #wanted = [] // promises given out by next() and not yet settled
  #end // {error} after the last event
  #onReturn

  constructor ({ names, limit, onReturn }) {
    this.#names = names
    this.#limit = limit
    this.#onReturn = onReturn
  }

  push (event) {
    if (this.#end !== undefined || (this.#names !== undefined && !this.#names.has(event.name))) return
    if (this.#wanted.length > 0) {
      this.#wanted.shift().resolve({ value: event, done: false })
    } else if (this.#waiting.length - this.#next >= this.#limit) {
      this.finish(new ResourceError(GW_ERR_LIMIT, `more than ${this.#limit} events wait for this loop`, { actor: 1 }))
      this.#onReturn(this)
    } else {
      this.#waiting.push(event)
    }
  }

  finish (error) {
    if (this.#end !== undefined) return
    this.#end = { error }
    for (const { resolve, reject } of this.#wanted.splice(0)) this.#settle(resolve, reject)
  }

  next () {
    if (this.#next < this.#waiting.length) {
      const value = this.#waiting[this.#next]
      this.#waiting[this.#next++] = undefined
      // Moving what is left only when it is the smaller half keeps the cost of an event constant.
      if (this.#next * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#next)
        this.#next = 0
      }
      return Promise.resolve({ value, done: false })
    }
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) this.#settle(resolve, reject)
      else this.#wanted.push({ resolve, reject })
    })
  }

  /** The error is told once, as a loop expects. */
  #settle (resolve, reject) {
    const { error } = this.#end
    this.#end = { error: null }
    if (error) reject(error)
    else resolve({ value: undefined, done: true })
  }

  return (value) {
    this.#waiting = []
    this.#next = 0
    this.finish(null)
    this.#end = { error: null }
    this.#onReturn(this)
    return Promise.resolve({ value, done: true })
  }

  [Symbol.asyncIterator] () {
    return this
  }
}

module.exports = { EventStream, GatewayEvent }
