'use strict'

// The browser's way of listening (WHATWG WebSockets, section 3.1) on top of Node's.

const { wrongType } = require('./options.js')

/** What a listener is given. */
class SocketEvent {
  constructor (type, target, facts) {
    this.type = type
    this.target = target
    Object.assign(this, facts)
  }
}

const EVENTS = {
  open: () => ({}),
  message: (socket, data, isBinary) => ({ data: isBinary ? data : data.toString() }),
  close: (socket, code, reason) => ({ code, reason: reason.toString(), wasClean: socket.wasClean }),
  error: (socket, error) => ({ error, message: error.message })
}

const handlerOf = Symbol('handler')
const isAttribute = Symbol('isAttribute')

function call (handler, target, event) {
  if (typeof handler === 'function') handler.call(target, event)
  else handler.handleEvent(event)
}

function wrap (type, handler) {
  const wrapper = function (...values) {
    call(handler, this, new SocketEvent(type, this, EVENTS[type](this, ...values)))
  }
  wrapper[handlerOf] = handler
  return wrapper
}

function find (socket, type, handler, attribute = false) {
  return socket.rawListeners(type).map((listener) => listener.listener ?? listener)
    .find((listener) => attribute ? listener[isAttribute] : listener[handlerOf] === handler && !listener[isAttribute])
}

function addEventListener (type, handler, options = {}) {
  if (!Object.hasOwn(EVENTS, type)) {
    const types = Object.keys(EVENTS).join(', ')
    const error = new TypeError(`addEventListener: type must be one of ${types}; for others there is on()`)
    error.code = 'ERR_INVALID_ARG_VALUE'
    throw error
  }
  if (typeof handler !== 'function' && typeof handler?.handleEvent !== 'function') {
    throw wrongType('addEventListener: listener', 'a function or an object with handleEvent', handler)
  }
  if (find(this, type, handler) !== undefined) return
  if (options?.once) this.once(type, wrap(type, handler))
  else this.on(type, wrap(type, handler))
}

function removeEventListener (type, handler) {
  const wrapper = find(this, type, handler)
  if (wrapper !== undefined) this.off(type, wrapper)
}

/** Gives a class the two functions and onopen, onmessage, onclose, onerror. */
function addBrowserEvents (prototype) {
  const hidden = { configurable: true, writable: true, enumerable: false }
  Object.defineProperty(prototype, 'addEventListener', { ...hidden, value: addEventListener })
  Object.defineProperty(prototype, 'removeEventListener', { ...hidden, value: removeEventListener })
  for (const type of Object.keys(EVENTS)) {
    Object.defineProperty(prototype, `on${type}`, {
      configurable: true,
      enumerable: true,
      get () {
        return find(this, type, undefined, true)?.[handlerOf] ?? null
      },
      set (handler) {
        const present = find(this, type, undefined, true)
        if (present !== undefined) this.off(type, present)
        if (typeof handler !== 'function') return
        const wrapper = wrap(type, handler)
        wrapper[isAttribute] = true
        this.on(type, wrapper)
      }
    })
  }
}

module.exports = { addBrowserEvents }
