import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { isoOf, nsToMs, systemClock } from '#lib/runtime/clock.ts'
import { PlatformError, isPlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import { createRandom, randomId, randomSecret } from '#lib/runtime/random.ts'

const SEED = Number(process.env['SEED'] ?? 20261124)
/** The first numbers of seed 7: simulators and tests count on them. */
const GOLDEN = [23_419, 663_489, 693_112, 565_276, 679_326]

describe('random numbers', () => {
  it('come from the seed alone, the same on every machine', () => {
    const take = (seed: number) => {
      const random = createRandom(seed)
      return Array.from({ length: 5 }, () => random.integer(0, 999_999))
    }
    expect(take(7)).toEqual(take(7))
    expect(take(7)).toEqual(GOLDEN)
    const series = [0, 1, 2, 7, 8, -1, 2 ** 32, 2 ** 32 + 1, 0.5].map((seed) => take(seed).join())
    // A fraction is cut off, so 0.5 is the seed 0.
    expect(new Set(series).size).toBe(series.length - 1)
  })

  it(`lie between their bounds and reach both (SEED=${SEED})`, () => {
    const random = createRandom(SEED)
    const numbers = Array.from({ length: 10_000 }, () => random.next())
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    const meanOf = (list: readonly number[]) => list.reduce((sum, n) => sum + n, 0) / list.length
    expect(Math.abs(meanOf(numbers) - 0.5)).toBeLessThan(0.02)
    const dice = new Set(Array.from({ length: 1000 }, () => random.integer(-1, 4)))
    expect([...dice].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2, 3, 4])
    expect(random.integer(5, 5)).toBe(5)
    expect(new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c']))).size).toBe(3)
    expect(() => random.pick([])).toThrow(RangeError)
  })

  it('for secrets carry 192 bits and never repeat', () => {
    const secrets = Array.from({ length: 100 }, () => randomSecret('pbx_'))
    expect(new Set(secrets).size).toBe(100)
    for (const secret of secrets) expect(secret).toMatch(/^pbx_[A-Za-z0-9_-]{32}$/)
    expect(randomSecret()).toMatch(/^pbs_/)
    expect(randomId()).not.toBe(randomId())
  })
})

describe('the log', () => {
  const MODULE = new URL('../../../../lib/runtime/log.ts', import.meta.url).href

  it('writes one JSON line per entry to standard error and nothing to standard output', () => {
    const text = `
      const { createLog } = await import(${JSON.stringify(MODULE)})
      const log = createLog('info')
      log.debug('not this')
      log.info({ topic: 'a\\nb' }, 'first\\nline')
      log.error({ err: new Error('broken', { cause: new Error('disk') }) }, 'second')`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text])
    expect(stdout.toString()).toBe('')
    const lines = stderr.toString().trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    const [first, second] = lines.map((line): unknown => JSON.parse(line))
    expect(first).toMatchObject({ level: 30, topic: 'a\nb', msg: 'first\nline' })
    expect(first).toHaveProperty('time', expect.stringMatching(/^\d{4}-.*Z$/))
    expect(second).toMatchObject({ level: 50, msg: 'second' })
    expect(lines[1]).toContain('broken')
    expect(lines[1]).toContain('disk')
  })
})

describe('the clock', () => {
  it('is wall time in nanoseconds, and another one that never goes back', () => {
    expect(Math.abs(nsToMs(systemClock.nowNs()) - Date.now())).toBeLessThan(1000)
    const [before, after] = [systemClock.monoNs(), systemClock.monoNs()]
    expect(after).toBeGreaterThanOrEqual(before)
  })

  it('writes ISO times with as many digits as they need', () => {
    const ns = 1_764_000_000_123_000_000n
    expect(isoOf(ns)).toBe('2025-11-24T16:00:00.123Z')
    expect(isoOf(ns + 1n)).toBe('2025-11-24T16:00:00.123000001Z')
    expect(isoOf(-1n)).toBe('1969-12-31T23:59:59.999999999Z')
    expect(nsToMs(1_234_567n)).toBe(1.234)
  })
})

describe('errors', () => {
  it('carry code, path and cause, and are told apart', () => {
    const cause = new Error('disk')
    const error = new PlatformError('CLOSED', 'text', { cause, path: 'a.b' })
    expect(error).toMatchObject({ name: 'PlatformError', code: 'CLOSED', path: 'a.b', cause })
    expect(Object.hasOwn(new PlatformError('CLOSED', 'text'), 'cause')).toBe(false)
    expect(new PlatformError('CLOSED', 'text').path).toBe('')
    expect([isPlatformError(error), isPlatformError(error, 'CLOSED')]).toEqual([true, true])
    expect([isPlatformError(error, 'QUERY_BUSY'), isPlatformError(cause)]).toEqual([false, false])
    expect([messageOf(cause), messageOf('x'), messageOf(null)]).toEqual(['disk', 'x', 'null'])
    expect(systemCodeOf(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('ENOSPC')
    for (const other of [cause, null, 'ENOSPC', Object.assign(new Error('x'), { code: 5 })]) {
      expect(systemCodeOf(other)).toBe('')
    }
  })
})
