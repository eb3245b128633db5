'use strict'

// The doctor: one connection whose steps are told, whatever they end with.

const { cancelled, checkSignal, readClient } = require('./client.js')
const { feed, hold, letGo, owners, words } = require('./delivery.js')
const { actorName, lastError, statusName } = require('./errors.js')
const { native, ID_HIGH, ID_LOW } = require('./native.js')
const { checkBoolean, checkFunction, checkObject } = require('./options.js')

const { GW_DOCTOR_NO_TICK, GW_EVENT_DOCTOR_STEP } = native.constants

function readStep (notice) {
  const result = notice.isSkipped ? 'skipped' : notice.status === 0 ? 'passed' : 'failed'
  return {
    name: notice.name,
    result,
    text: notice.text,
    actor: actorName(notice.actor),
    code: statusName(notice.status),
    milliseconds: notice.code / 1000,
    retryable: notice.retryable,
    details: notice.payload.parse()
  }
}

/** One that runs: what its events go to. */
class Examination {
  #steps = []
  #onStep
  #end

  constructor (onStep, end) {
    this.#onStep = onStep
    this.#end = end
  }

  [feed] (notice) {
    if (notice.type !== GW_EVENT_DOCTOR_STEP) return this.#end(this.#steps)
    const step = readStep(notice)
    this.#steps.push(step)
    this.#onStep?.(step)
  }
}

/** Connects once and tells how each step went; what cannot be reached is no error but a step that has failed. */
async function doctor (url, options = {}) {
  checkObject('doctor: options', options)
  const { tick = true, onStep, signal, ...rest } = options
  checkBoolean('doctor: tick', tick)
  if (onStep !== undefined) checkFunction('doctor: onStep', onStep)
  if (signal !== undefined && checkSignal('doctor: signal', signal).aborted) throw cancelled(signal)
  const { text, flags, values } = readClient('doctor', url, rest)
  const place = native.doctorStart(text, flags, values, tick ? 0 : GW_DOCTOR_NO_TICK)
  if (place < 0) throw lastError(place)
  const low = words[ID_LOW]
  const high = words[ID_HIGH]
  const cancel = () => native.doctorCancel(low, high)
  signal?.addEventListener('abort', cancel, { once: true })
  hold()
  try {
    const steps = await new Promise((resolve) => { owners[place] = new Examination(onStep, resolve) })
    if (signal?.aborted) throw cancelled(signal)
    return steps
  } finally {
    signal?.removeEventListener('abort', cancel)
    letGo()
    owners[place] = undefined
    native.release(place)
  }
}

module.exports = { doctor }
