import { describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { LatencyRow } from '#lib/kpi/network/latency.ts'
import type { RejectionRow } from '#lib/telemetry/rejection.ts'
import type { RejectionsScan } from '#lib/queries/intake-state.ts'
import type { RowsOf } from '#lib/queries/catalogue.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import { rejectionRowOf } from '#lib/queries/rejections.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import { mergedPort } from '../../../../api/intake-client/merged-port.ts'
import type { IntakeSource } from '../../../../api/intake-client/intakes.ts'
import { createMemoryPort, type MemoryPort, type MemoryRows } from '../memory-port.ts'
import { NOON_NS, SECOND_NS, deliveryRow, latencyRow, rejectionRow } from '../rows.ts'

const ALL = { tenants: null, devices: null, kinds: null }
const JOURNALS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`)
const SPAN = { scope: ALL, fromNs: 0n, toNs: 2n * NOON_NS }

interface TestIntake extends IntakeSource {
  readonly port: MemoryPort
  away: boolean
}

function intakesOf(...rows: Partial<MemoryRows>[]): TestIntake[] {
  return rows.map((given, at) => {
    const live: LiveFeed = {
      journal: JOURNALS[at] ?? '',
      position: 0,
      join: () => ({ from: Promise.resolve(0), close: () => {} }),
    }
    const gone = () => new PlatformError('INGEST_UNREACHABLE', `intake ${at} is away`)
    const intake: TestIntake = {
      name: `http://intake-${at}`,
      port: createMemoryPort(given),
      live,
      problem: () => (intake.away ? gone() : null),
      isLost: false,
      away: false,
    }
    intake.port.before = async () => {
      if (intake.away) throw gone()
    }
    return intake
  })
}

const rowsOf = async (
  port: IngestPort,
  ...[name, query]: Parameters<IngestPort['query']>
): Promise<readonly unknown[]> => {
  const result = await port.query(name, query)
  if (isTooMany(result)) throw new Error('too many')
  return result.rows
}

const askedOf = (intakes: readonly TestIntake[]) => intakes.map(({ port }) => port.received.length)

describe('several intakes on one store', () => {
  it('are asked once for what the store knows', async () => {
    const intakes = intakesOf({}, {}, {})
    const port = mergedPort(intakes)
    await port.query('throughput', { ...SPAN, by: [], everyNs: null })
    await port.query('recoveredHeat', { ...SPAN, boundaries: ['handoff'], by: [], every: null })
    expect(askedOf(intakes)).toEqual([2, 0, 0])
  })

  it('are asked in turn while one is away, and all being away is an error', async () => {
    const intakes = intakesOf({}, {}, {})
    const port = mergedPort(intakes)
    intakes[0]!.away = true
    await port.query('jitter', SPAN)
    expect(askedOf(intakes)).toEqual([0, 1, 0])
    for (const intake of intakes) intake.away = true
    await expect(port.query('jitter', SPAN)).rejects.toMatchObject({ code: 'INGEST_UNREACHABLE' })
  })

  it('leave other errors of the store as they are: the next one would say the same', async () => {
    const intakes = intakesOf({}, {})
    intakes[0]!.port.before = () => Promise.reject(new PlatformError('QUERY_TIMEOUT', 'too long'))
    await expect(mergedPort(intakes).query('jitter', SPAN)).rejects.toThrow('too long')
    expect(askedOf(intakes)).toEqual([1, 0])
  })

  it('give no sum without one of them', async () => {
    const intakes = intakesOf({ delivery: [deliveryRow('acme.t1')] }, {})
    const port = mergedPort(intakes)
    expect(await rowsOf(port, 'delivery', { scope: ALL })).toHaveLength(1)
    intakes[1]!.away = true
    for (const query of [
      () => rowsOf(port, 'delivery', { scope: ALL }),
      () => rowsOf(port, 'lastValues', { scope: ALL }),
      () => port.status(),
      () =>
        port.query('rejections', { ...SPAN, reasons: null, order: 'asc', limit: 9, cursor: null }),
      () => port.replay({ scope: ALL, ids: null, reasons: null, positions: null }),
      () => port.query('latency', { ...SPAN, by: [], everyNs: null, stages: ['durable'] }),
    ]) {
      await expect(query()).rejects.toMatchObject({ code: 'INGEST_UNREACHABLE' })
    }
  })

  it('add up delivery; what was lost of a divided sequence is not known', async () => {
    const [t1, t2, t3] = ['acme.t1', 'acme.t2', 'acme.t3'].map((id) => deliveryRow(id))
    const port = mergedPort(
      intakesOf(
        { delivery: [t2!, { ...t1!, lost: 2 }] },
        { delivery: [{ ...t1!, lost: 3, late: 1, commands: 5 }, t3!] },
        { delivery: [{ ...t2!, accepted: 0, stored: 0, rejected: 0, duplicate: 0, commands: 1 }] },
      ),
    )
    const sums = { accepted: 8, stored: 4, rejected: 2, duplicate: 2, pending: 0 }
    expect(await rowsOf(port, 'delivery', { scope: ALL })).toEqual([
      { device: 'acme.t1', ...sums, late: 1, partial: 0, lost: null, commands: 5 },
      // The third intake only forwarded a command to it: its sequence is whole.
      { ...t2, commands: 1 },
      t3,
    ])
  })

  it('show the latest value of any of them', async () => {
    const value = (device: string, atS: bigint, seq: number) => ({
      device,
      kind: 'truck' as const,
      channel: 'telemetry',
      timeNs: NOON_NS + atS * SECOND_NS,
      receivedAtNs: NOON_NS,
      seq,
      flags: [],
      fields: {},
      radio: null,
    })
    const port = mergedPort(
      intakesOf(
        { lastValues: [value('acme.t1', 5n, 5), value('acme.t2', 1n, 1)] },
        { lastValues: [value('acme.t1', 4n, 4), value('acme.t2', 2n, 2)] },
      ),
    )
    const values = await rowsOf(port, 'lastValues', { scope: ALL })
    const latest = values as RowsOf<'lastValues'>
    expect(latest.map(({ device, seq }) => [device, seq])).toEqual([
      ['acme.t1', 5],
      ['acme.t2', 2],
    ])
  })

  it('show the worst lag, every problem and every warning', async () => {
    const one = {
      durable: 7,
      written: 5,
      lagMessages: 2,
      lagMs: 40,
      problems: ['disk full'],
      warnings: ['the clock'],
    }
    const two = {
      durable: 3,
      written: 2,
      lagMessages: 1,
      lagMs: 90,
      problems: [],
      warnings: ['a file'],
    }
    const [a, b] = JOURNALS
    const port = mergedPort(
      intakesOf(
        { status: { journal: String(a), ...one } },
        { status: { journal: String(b), ...two } },
      ),
    )
    expect(await port.status()).toEqual({
      journal: `${a} ${b}`,
      durable: 10,
      written: 7,
      lagMessages: 3,
      lagMs: 90,
      problems: ['disk full'],
      warnings: ['the clock', 'a file'],
    })
  })

  it('never make a percentile of percentiles', async () => {
    const own = (n: number, maxMs: number): LatencyRow => ({
      ...latencyRow(),
      group: {},
      stage: 'durable',
      n,
      maxMs,
    })
    const age: LatencyRow = { ...latencyRow(), stage: 'age' }
    const intakes = intakesOf(
      { latency: [age, own(10, 5)] },
      { latency: [age, own(30, 9)] },
      { latency: [] },
    )
    const question = { ...SPAN, by: [], everyNs: null, stages: ['age', 'durable'] as const }
    const rows = await rowsOf(mergedPort(intakes), 'latency', question)
    const placed = ({ timeNs: _timeNs, percentilesMs, ...row }: LatencyRow) => {
      const [p50Ms, p95Ms, p99Ms] = percentilesMs
      return { ...row, p50Ms, p95Ms, p99Ms }
    }
    const nothing = { p50Ms: null, p95Ms: null, p99Ms: null }
    expect(rows).toEqual([
      placed(age),
      { ...placed(own(40, 9)), ...nothing, negative: 2 * own(1, 1).negative },
    ])
    const alone = mergedPort(intakesOf({ latency: [own(10, 5)] }, { latency: [] }))
    expect(await rowsOf(alone, 'latency', question)).toEqual([placed(own(10, 5))])
  })
})

describe('rejections of several intakes', () => {
  const rejection = (position: number, atS: number): RejectionRow => ({
    ...rejectionRow('acme.t1'),
    id: `${position}.0`,
    timeNs: NOON_NS + BigInt(atS) * SECOND_NS,
  })
  /** As the rejection log: by position, the cursor is the last id. */
  function logOf(intake: TestIntake, rows: readonly RejectionRow[]): void {
    const { port } = intake
    Object.assign(port, {
      query: async (_name: string, { order, limit, cursor }: RejectionsScan) => {
        port.received.push({ name: 'rejections', query: cursor })
        const inOrder = order === 'asc' ? rows : rows.toReversed()
        const from = cursor === null ? 0 : inOrder.findIndex(({ id }) => id === cursor) + 1
        const data = inOrder.slice(from, from + limit)
        const next = from + limit < rows.length ? (data.at(-1)?.id ?? null) : null
        return { rows: data.map(rejectionRowOf), next }
      },
    })
  }

  it.each(['asc', 'desc'] as const)(
    'come in one order of time, page by page: %s',
    async (order) => {
      const intakes = intakesOf({}, {}, {})
      const times = [[0, 3, 4, 9], [1, 2, 5], []]
      for (const [at, intake] of intakes.entries()) {
        logOf(
          intake,
          (times[at] ?? []).map((time, index) => rejection(index + 1, time)),
        )
      }
      const port = mergedPort(intakes)
      const seen: RowsOf<'rejections'>[number][] = []
      let cursor: string | null = null
      do {
        const question: RejectionsScan = { ...SPAN, reasons: null, order, limit: 2, cursor }
        const page = await port.query('rejections', question)
        if (isTooMany(page)) throw new Error('too many')
        expect(page.rows.length).toBeLessThanOrEqual(2)
        seen.push(...page.rows)
        cursor = page.next ?? null
      } while (cursor !== null)
      const expected = [0, 1, 2, 3, 4, 5, 9]
      expect(seen.map(({ time }) => Number((time - NOON_NS) / SECOND_NS))).toEqual(
        order === 'asc' ? expected : expected.toReversed(),
      )
      expect(new Set(seen.map(({ id }) => id)).size).toBe(7)
      for (const { id } of seen) expect(id).toMatch(/^[0-9a-f-]{36}:\d+\.0$/)
    },
  )

  it('are replayed by the intake they belong to, and sums are of all', async () => {
    const intakes = intakesOf({}, {}, {})
    const port = mergedPort(intakes)
    const [a, b] = JOURNALS
    const ids = [`${a}:4.0`, `${b}:4.0`, `${a}:5.1`]
    const request = { scope: ALL, ids, reasons: null, positions: null }
    expect(await port.replay(request)).toEqual({ recovered: 2, again: 0, duplicate: 0 })
    expect(intakes.map((one) => one.port.received.map(({ query }) => query))).toEqual([
      [{ ...request, ids: ['4.0', '5.1'] }],
      [{ ...request, ids: ['4.0'] }],
      [],
    ])
    await port.replay({ ...request, ids: null, reasons: ['schema'] })
    expect(askedOf(intakes)).toEqual([2, 2, 1])
  })

  it('are refused where it is not known whose they are', async () => {
    const port = mergedPort(intakesOf({}, {}))
    const request = { scope: ALL, ids: null, reasons: null, positions: null }
    for (const wrong of [
      { ...request, ids: ['4.0'] },
      { ...request, ids: [`${JOURNALS[2]}:4.0`] },
      { ...request, positions: { from: 1, to: 2 } },
    ]) {
      await expect(port.replay(wrong)).rejects.toMatchObject({ code: 'REPLAY_FAILED' })
    }
  })

  it('one intake alone keeps its ids and cursors as they are', async () => {
    const [only] = intakesOf({ rejections: [rejection(4, 0)] })
    const question = { ...SPAN, reasons: null, order: 'asc', limit: 5, cursor: null } as const
    const rows = await rowsOf(mergedPort([only!]), 'rejections', question)
    expect(rows).toMatchObject([{ id: '4.0' }])
  })
})
