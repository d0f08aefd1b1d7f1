import { describe, expect, it } from 'vitest'
import {
  ClockExchanges,
  clockResponse,
  readClockRequest,
} from '#lib/telemetry/device-requests/clock-request.ts'

const read = (body: unknown) => readClockRequest(Buffer.from(JSON.stringify(body)))

describe('clock requests', () => {
  it('take t1 in ms, with fractions, or in ns as a string', () => {
    expect(read({ id: 1, t1: 1_764_000_000_123.456 })).toMatchObject({
      t1Ns: 1_764_000_000_123_456_055n,
    })
    expect(read({ id: 1, t1: 1_764_000_000_123 })).toMatchObject({
      t1Ns: 1_764_000_000_123_000_000n,
    })
    expect(read({ id: 'x', t1: '1764000000123456789' })).toMatchObject({
      t1Ns: 1_764_000_000_123_456_789n,
    })
  })

  it.each([
    [{ t1: 1 }, 'id'],
    [{ id: 'x'.repeat(65), t1: 1 }, 'id'],
    [{ id: 1 }, 't1'],
    [{ id: 1, t1: '9'.repeat(19) }, 't1'],
    [{ id: 1, t1: '-1' }, 't1'],
    [{ id: 1, t1: 1e300 }, 't1'],
    [{ id: 1, t1: 1, prev: 3 }, 'prev.id'],
    [{ id: 1, t1: 1, prev: { id: 1, t4: null } }, 'prev.t4'],
    [[1], ''],
  ])('name the faulty field of %j: %j', (body, path) => {
    expect(read(body)).toMatchObject({ path })
  })

  it('are answered in the unit of t1', () => {
    const ms = read({ id: 1, t1: 5 })
    const ns = read({ id: 1, t1: '5' })
    if ('path' in ms || 'path' in ns) throw new Error('expected two valid requests')
    expect(clockResponse(ms, 1_500_000n, 2_000_000n)).toBe('{"id":1,"t1":5,"t2":1.5,"t3":2}')
    expect(clockResponse(ns, 1n, 2n)).toBe('{"id":1,"t1":"5","t2":"1","t3":"2"}')
  })

  it('are remembered until their t4 comes, the last eight of them', () => {
    const exchanges = new ClockExchanges()
    for (let n = 0n; n < 9n; n += 1n) {
      exchanges.remember(`d ${n}`, { t1: n, t2: n + 1n, t3: n + 2n })
    }
    expect(exchanges.complete('d 0', 10n)).toBe(null)
    expect(exchanges.complete('d 8', 20n)).toEqual({ t1: 8n, t2: 9n, t3: 10n, t4: 20n })
    expect(exchanges.complete('d 8', 20n)).toBe(null)
  })

  it('make no sample when the response is said to arrive before the request was sent', () => {
    const exchanges = new ClockExchanges()
    exchanges.remember('d 1', { t1: 10n, t2: 11n, t3: 12n })
    expect(exchanges.complete('d 1', 9n)).toBe(null)
  })
})
