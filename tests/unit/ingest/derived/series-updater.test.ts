import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createRandom } from '#lib/runtime/random.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import { markAgain } from '../../../../ingest/derived/due.ts'
import {
  SeriesUpdater,
  type Derived,
  type SeriesUpdaterOptions,
} from '../../../../ingest/derived/series-updater.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { NOW_NS, createTestClock, openMarksPlace, type MarksPlace } from './marks-fixture.ts'
import type { QueryName, ResultOf } from '#lib/queries/catalogue.ts'

const MINUTE_NS = 60_000_000_000n

/*
 * The loop with a store and an InfluxDB that are a few functions of the test: they say what is
 * asked and written, at the same time too, and fail as the test wants.
 */
describe('the loop of the derived series', () => {
  let place: MarksPlace
  let derived: Derived
  let asked: string[] = []
  let lines: string[] = []
  let atOnce = 0
  let mostAtOnce = 0
  let write: (batch: readonly string[]) => Promise<void> = async () => {}
  let answer: (name: string) => void = () => {}
  let isTooMuch: (name: string, minutes: number) => boolean = () => false
  const clock = createTestClock()

  beforeEach(() => {
    place = openMarksPlace(clock)
    place.open()
    asked = []
    lines = []
    atOnce = 0
    mostAtOnce = 0
    write = async () => {}
    answer = () => {}
    isTooMuch = () => false
  })
  afterEach(async () => {
    await derived.close()
    place.close()
  })

  async function alone<T>(work: () => Promise<T> | T): Promise<T> {
    atOnce += 1
    mostAtOnce = Math.max(mostAtOnce, atOnce)
    try {
      await new Promise(setImmediate)
      return await work()
    } finally {
      atOnce -= 1
    }
  }

  const port: Pick<IngestPort, 'query' | 'status'> = {
    query: (name, query) =>
      alone(() => {
        asked.push(name)
        answer(name)
        const result = isTooMuch(name, minutesOf(query)) ? TOO_MANY : { rows: rowsOf(name, query) }
        return result as ResultOf<typeof name>
      }),
    status: () =>
      alone(() => {
        asked.push('status')
        answer('status')
        return { ...IDLE, journal: 'j1', durable: 1, written: 1 }
      }),
  }

  function start(more: Partial<SeriesUpdaterOptions> = {}): void {
    derived = new SeriesUpdater(
      {
        path: place.path,
        graceMs: 0,
        isShared: false,
        keepDays: { minute: 90, hour: 1825 },
        maxKeys: 10,
        keepKeysDays: 90,
        tickMs: 1,
        hourPauseMs: 0,
        timeShare: 1,
        retryMs: 1,
        maxRetryMs: 5,
        ...more,
      },
      {
        port,
        influx: {
          write: (batch, signal) =>
            alone(async () => {
              await Promise.race([write(batch), aborted(signal)])
              lines.push(...batch)
              return { refused: [] }
            }),
          query: async () => [],
        },
        devices: () => [],
        journal: { id: 'j1', paused: false, status: () => STATUS },
        certificateDays: () => null,
        isClockDoubtful: () => false,
        random: createRandom(1),
        clock,
        log: createLog('silent'),
      },
    )
  }

  const mark = (...agoMinutes: number[]) => {
    for (const ago of agoMinutes) {
      const atNs = NOW_NS - BigInt(ago) * MINUTE_NS
      markAgain(place.db, 'minute', { fromNs: atNs, toNs: atNs })
    }
  }
  const isDone = () => place.marked('minute').length === 0 || null
  const traffic = () => lines.filter((line) => line.includes('messages='))
  const down = () => Promise.reject(new PlatformError('STORE_UNAVAILABLE', 'InfluxDB is away'))

  it('runs one query and sends one batch at a time', async () => {
    mark(1, 2, 3, 100, 200)
    start()
    await waitFor(isDone)
    expect(traffic().length).toBeGreaterThan(4)
    expect(mostAtOnce).toBe(1)
  })

  it('makes no more queries while InfluxDB takes nothing, and keeps the marks', async () => {
    mark(1, 2, 3)
    write = () => new Promise(() => {})
    start()
    await waitFor(() => atOnce === 1 && asked.length > 0)
    const before = asked.length
    for (let n = 0; n < 50; n += 1) await new Promise(setImmediate)
    expect(asked).toHaveLength(before)
    await derived.close()
    expect(place.marked('minute')).toHaveLength(3)
  })

  it('computes again what could not be written, and reports why it waits', async () => {
    let failures = 20
    write = () => (failures-- > 0 ? down() : Promise.resolve())
    mark(1, 2, 90)
    start()
    await waitFor(() => derived.status().problem !== '')
    expect(derived.status().problem).toContain('InfluxDB is away')
    expect(derived.status().waiting).toBeGreaterThan(0)
    await waitFor(isDone)
    expect(derived.status()).toEqual({ waiting: 0, problem: '' })
    expect(new Set(traffic().map((line) => line.split(' ').at(-1))).size).toBeGreaterThan(2)
  })

  it('continues with fewer intervals when a query takes too long', async () => {
    mark(...Array.from({ length: 50 }, (_, n) => n + 1))
    let slow = 3
    answer = (name) => {
      if (name === 'throughput' && slow-- > 0) {
        throw new PlatformError('QUERY_TIMEOUT', 'the query took too long')
      }
    }
    start()
    await waitFor(isDone)
    const minutes = new Set(traffic().map((line) => line.split(' ').at(-1)))
    expect(minutes.size).toBeGreaterThanOrEqual(50)
  })

  it('continues with fewer intervals when a query would read too much', async () => {
    mark(...Array.from({ length: 50 }, (_, n) => n + 1))
    isTooMuch = (name, minutes) => name === 'throughput' && minutes > 5
    start()
    await waitFor(isDone)
    const minutes = new Set(traffic().map((line) => line.split(' ').at(-1)))
    expect(minutes.size).toBeGreaterThanOrEqual(50)
  })

  it('tags what only this intake knows with its journal where others write too', async () => {
    mark(1)
    start({ isShared: true })
    await waitFor(() => traffic().length > 0)
    await waitFor(() => lines.some((line) => line.includes('accepted=') && line.includes('_all')))
    const counters = lines.filter((line) => line.startsWith('delivery_minute'))
    const own = counters.filter((line) => line.includes('accepted='))
    expect(own.every((line) => line.includes(',node=j1'))).toBe(true)
    expect(traffic().some((line) => line.includes('node='))).toBe(false)
    const latency = lines.filter((line) => line.startsWith('latency_minute'))
    const isOwn = (line: string) => line.includes('stage=stored')
    expect(latency.filter(isOwn).every((line) => line.includes(',node=j1'))).toBe(true)
    expect(latency.some((line) => !isOwn(line) && line.includes('node='))).toBe(false)
    expect(latency.some(isOwn)).toBe(true)
    // Computed once, it waits for its second look.
    expect(place.marked('minute')).toHaveLength(1)
    expect(derived.status().waiting).toBe(0)
  })

  it('ends with the error of a bug', async () => {
    answer = () => {
      throw new TypeError('a bug')
    }
    start()
    await expect(derived.done).rejects.toThrow('a bug')
  })
})

const STATUS = {
  paused: false,
  problem: '',
  bytes: 1,
  segments: 1,
  pendingMessages: 0,
  pendingBytes: 0,
  syncs: 1,
  failedSyncs: 0,
}

const COUNTS = { stored: 1, rejected: 0, duplicate: 0, pending: 0, late: 0, partial: 0 }

const TOO_MANY = { tooMany: true, limit: 400 }
const IDLE = { lagMessages: 0, lagMs: 0, problems: [], warnings: [] }

function rowsOf(name: QueryName, query: unknown): unknown {
  const { fromNs = 0n, toNs = 0n, by = [] } = query as Asked
  const times: bigint[] = []
  for (let at = fromNs; at < toNs; at += MINUTE_NS) times.push(at)
  const group = Object.fromEntries(by.map((key) => [key, key === 'tenant' ? 'a' : 'a.t1']))
  const p = { p50Ms: 1, p95Ms: 1, p99Ms: 1, maxMs: 1, clockBoundMs: null, negative: 0 }
  switch (name) {
    case 'latency':
      return times.flatMap((time) =>
        (by.length === 0 ? ['age', 'stored'] : ['age']).map((stage) => ({
          group,
          time,
          stage,
          n: 1,
          ...p,
          method: 'exact',
          relError: 0,
        })),
      )
    case 'throughput':
      return times.map((time) => ({ group, time, messages: 1, readings: 1, bytes: 1 }))
    case 'delivery':
      return [{ device: 'a.t1', accepted: 1, ...COUNTS, lost: null, commands: 0 }]
    default:
      return []
  }
}

function minutesOf(query: unknown): number {
  const { fromNs = 0n, toNs = 0n } = query as Asked
  return Number((toNs - fromNs) / MINUTE_NS)
}

interface Asked {
  readonly fromNs?: bigint
  readonly toNs?: bigint
  readonly by?: readonly string[]
}

function aborted(signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
