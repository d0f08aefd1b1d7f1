import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createLifecycle, type LifecycleOptions } from '#lib/runtime/lifecycle.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createReadableLog, createTurnedClock } from '../registry/test-registry.ts'

function openLifecycle(options: LifecycleOptions = {}) {
  const { log, lines } = createReadableLog()
  const closedParts: string[] = []
  const lifecycle = createLifecycle(log, options)
  const part = (name: string) => lifecycle.onClose(name, () => void closedParts.push(name))
  return { lifecycle, lines, closedParts, part }
}

describe('the shutdown', () => {
  it('closes the parts in reverse order, each after the one before is closed', async () => {
    const { lifecycle, closedParts, part } = openLifecycle()
    part('registry')
    const { promise: brokerMayClose, resolve: letBrokerClose } = Promise.withResolvers<void>()
    lifecycle.onClose('broker', async () => {
      await brokerMayClose
      closedParts.push('broker')
    })
    part('api')
    expect(lifecycle.closing).toBe(false)
    const code = lifecycle.shutdown('test')
    expect(lifecycle.closing).toBe(true)
    await waitFor(() => closedParts.length === 1)
    expect(closedParts).toEqual(['api'])
    letBrokerClose()
    expect(await code).toBe(0)
    expect(closedParts).toEqual(['api', 'broker', 'registry'])
  })

  it('runs once, however often it is requested', async () => {
    const { lifecycle, closedParts, part, lines } = openLifecycle()
    part('registry')
    const codes = await Promise.all([
      lifecycle.shutdown('a'),
      lifecycle.shutdown('b'),
      lifecycle.closed,
    ])
    expect(codes).toEqual([0, 0, 0])
    expect(closedParts).toEqual(['registry'])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('"reason":"a"')
  })

  it('closes the other parts when one fails to close, logs it and ends with exit code 1', async () => {
    const { lifecycle, closedParts, part, lines } = openLifecycle()
    part('registry')
    lifecycle.onClose('broker', () => {
      throw new Error('the broker does not want to')
    })
    lifecycle.onClose('api', () => Promise.reject(new Error('nor does the api')))
    expect(await lifecycle.shutdown('test')).toBe(1)
    expect(closedParts).toEqual(['registry'])
    expect(lines.join('')).toContain('the broker does not want to')
    expect(lines.join('')).toContain('nor does the api')
  })

  it('ends with exit code 1 at the deadline and names the parts that are still open', async () => {
    const { lifecycle, part, lines, closedParts } = openLifecycle({ deadlineMs: 30 })
    part('registry')
    lifecycle.onClose('broker', () => new Promise(() => {}))
    part('api')
    expect(await lifecycle.shutdown('test')).toBe(1)
    expect(closedParts).toEqual(['api'])
    expect(lines.at(-1)).toContain('"open":["broker","registry"]')
  })

  it('waits for a start in progress, and closes what it has opened', async () => {
    const { promise: started, resolve } = Promise.withResolvers<void>()
    const { lifecycle, closedParts, part } = openLifecycle({ started })
    part('registry')
    const code = lifecycle.shutdown('a signal during the start')
    expect(lifecycle.closing).toBe(true)
    await new Promise((done) => setImmediate(done))
    expect(closedParts).toEqual([])
    part('broker')
    resolve()
    expect(await code).toBe(0)
    expect(closedParts).toEqual(['broker', 'registry'])
    const stuck = openLifecycle({ started: new Promise(() => {}), deadlineMs: 20 })
    stuck.part('registry')
    expect(await stuck.lifecycle.shutdown('a signal')).toBe(1)
    expect(stuck.lines.at(-1)).toContain('"open":["registry"]')
  })

  it('also closes a part that was opened while others were being closed', async () => {
    const { lifecycle, closedParts, part } = openLifecycle()
    lifecycle.onClose('broker', () => part('late'))
    expect(await lifecycle.shutdown('test')).toBe(0)
    expect(closedParts).toEqual(['late'])
  })
})

describe('a failure', () => {
  it('of watched work is logged once and shuts down with exit code 1', async () => {
    const { lifecycle, closedParts, part, lines } = openLifecycle()
    part('registry')
    lifecycle.run(Promise.resolve('fine'), 'good work')
    lifecycle.run(Promise.reject(new Error('worker died')), 'ingest')
    expect(await lifecycle.closed).toBe(1)
    expect(closedParts).toEqual(['registry'])
    expect(lines.filter((line) => line.includes('worker died'))).toHaveLength(1)
  })

  it('is not reported when work ends with CLOSED because its part is being closed', async () => {
    const { lifecycle, lines } = openLifecycle()
    const { promise, reject } = Promise.withResolvers<void>()
    lifecycle.run(promise, 'ingest')
    lifecycle.onClose('ingest', () => reject(new PlatformError('CLOSED', 'closed under it')))
    expect(await lifecycle.shutdown('test')).toBe(0)
    expect(lines.join('')).not.toContain('closed under it')
    const other = openLifecycle()
    other.lifecycle.run(Promise.reject(new PlatformError('CLOSED', 'too early')), 'ingest')
    expect(await other.lifecycle.closed).toBe(1)
  })
})

describe('signals', () => {
  function openWithSignals() {
    const clock = createTurnedClock()
    const opened = openLifecycle({ clock })
    const source = new EventEmitter()
    const exits: number[] = []
    opened.lifecycle.onSignals(source, (code) => exits.push(code))
    const send = (signal: string) => source.emit(signal, signal)
    return { ...opened, clock, exits, send }
  }

  it('begin the shutdown; a second one within a second counts as the same signal', async () => {
    const { lifecycle, clock, exits, send, closedParts, part } = openWithSignals()
    part('registry')
    send('SIGTERM')
    expect(lifecycle.closing).toBe(true)
    send('SIGTERM')
    clock.turnMs(999)
    send('SIGINT')
    clock.turnMs(1)
    send('SIGINT')
    expect(await lifecycle.closed).toBe(0)
    expect(exits).toEqual([])
    expect(closedParts).toEqual(['registry'])
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s later than that exits at once with %i', (signal, code) => {
    const { lifecycle, clock, exits, send } = openWithSignals()
    lifecycle.onClose('broker', () => new Promise(() => {}))
    send('SIGTERM')
    clock.turnMs(1001)
    expect(exits).toEqual([])
    send(signal)
    expect(exits).toEqual([code])
  })
})
