import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import type { QueryName, QueryOf, RowsOf } from '#lib/queries/catalogue.ts'
import type { LatencyRow } from '#lib/queries/latency.ts'
import { deviceSilence } from '../../../../ingest/derived/device-silence.ts'
import { latencyMinute } from '../../../../ingest/derived/latency-minute.ts'
import type { Context } from '../../../../ingest/derived/series.ts'
import { truckOf } from '../../../support/messages.ts'

const NOW_NS = 1_764_000_000_000_000_000n
const MINUTE_NS = 60_000_000_000n
const SPAN = { fromNs: NOW_NS - MINUTE_NS, toNs: NOW_NS }

type Answers = { [N in QueryName]?: (query: QueryOf<N>) => RowsOf<N> }

/** The context of a series whose port answers what the test says. */
function contextOf(answers: Answers, more: Partial<Context> = {}): Context {
  return {
    async rows(name, query) {
      const answer = answers[name]
      if (!answer) throw new Error(`the series runs the query ${name}`)
      return answer(query)
    },
    status: () => Promise.reject(new Error('the series reads the status')),
    query: async () => [],
    devices: () => [],
    journal: { id: 'j1', paused: false, status: () => Object.create(null) },
    ownTags: {},
    certificateDays: () => null,
    keys: { isBudgeted: () => true, admit: (_grouping, key) => key, save: () => {} },
    clock: { nowNs: () => NOW_NS },
    ...more,
  }
}

function rowOf(group: LatencyRow['group'], more: Partial<LatencyRow> = {}): LatencyRow {
  const figures = {
    p50Ms: 1,
    p95Ms: 2,
    p99Ms: 3,
    maxMs: 4,
    clockBoundMs: null,
    negative: 0,
    late: 0,
  }
  const known = { time: SPAN.fromNs, stage: 'age', n: 5, method: 'exact', relError: 0 } as const
  return { group, ...figures, ...known, ...more }
}

describe('points of latency', () => {
  /** Answers from rows with every key: those of a query without tenants are marked by their n. */
  function latency(rows: readonly LatencyRow[]): Answers {
    return {
      latency: ({ by }) =>
        by.length === 0
          ? rows.slice(0, 1)
          : rows.map((row) => ({
              ...row,
              group: Object.fromEntries(by.map((name) => [name, row.group[name] ?? null])),
              n: by.includes('tenant') || by[0] === 'device' ? row.n : 99,
            })),
    }
  }
  async function pointsOf(rows: readonly LatencyRow[], more: Partial<Context> = {}) {
    return (await latencyMinute.recompute?.points(SPAN, contextOf(latency(rows), more))) ?? []
  }

  it('over all tenants come from a query of their own where tenants share a key', async () => {
    const both = [
      rowOf({ device: 'a.t1', tenant: 'a', kind: 'truck', cell: 'C1', rat: 'lte' }),
      rowOf({ device: 'b.t1', tenant: 'b', kind: 'truck', cell: 'C2', rat: 'lte' }),
    ]
    const points = await pointsOf(both)
    const nOf = (by: string, key: string) =>
      points
        .filter(({ tags }) => tags['by'] === by && tags['key'] === key && tags['tenant'] === '_all')
        .map(({ fields }) => fields['n'])
    expect(nOf('cell', 'C1')).toEqual([5n])
    expect(nOf('device', 'b.t1')).toEqual([5n])
    expect(new Set(nOf('rat', 'lte'))).toEqual(new Set([99n]))
    expect(new Set(nOf('kind', 'truck'))).toEqual(new Set([99n]))
  })

  it('leave out an uplink without a bound of the clock, and what is null', async () => {
    const points = await pointsOf([
      rowOf({ tenant: 'a', device: 'a.t1' }, { p99Ms: null }),
      rowOf({ tenant: 'a', device: 'a.t1' }, { stage: 'uplink' }),
    ])
    const all = points.filter(({ tags }) => tags['stage'] === 'uplink')
    expect(all).toEqual([])
    const device = points.find(({ tags }) => tags['by'] === 'device')
    expect(device?.fields).toEqual({ n: 5n, negative: 0n, p50Ms: 1, p95Ms: 2, maxMs: 4 })
  })

  it('put keys beyond the budget together, those with most values keep theirs', async () => {
    const admitted: string[] = []
    const keys = {
      isBudgeted: (grouping: string) => grouping === 'cell',
      admit(grouping: string, key: string) {
        if (grouping !== 'cell') return key
        if (admitted.includes(key)) return key
        if (admitted.length > 0) return '_other'
        admitted.push(key)
        return key
      },
      save: () => {},
    }
    const cell = (name: string, n: number, maxMs: number) =>
      rowOf({ device: 'a.t1', tenant: 'a', cell: name }, { n, maxMs })
    const points = await pointsOf([cell('A', 3, 9), cell('B', 50, 4), cell('C', 2, 7)], { keys })
    const cells = points.filter(({ tags }) => tags['by'] === 'cell' && tags['tenant'] === 'a')
    expect(cells.map(({ tags, fields }) => [tags['key'], fields])).toEqual([
      ['B', { n: 50n, negative: 0n, p50Ms: 1, p95Ms: 2, p99Ms: 3, maxMs: 4 }],
      ['_other', { n: 5n, negative: 0n, maxMs: 9 }],
    ])
  })
})

describe('the silence of devices', () => {
  const device = (id: string, createdAt: string): Device => ({ ...truckOf(id), createdAt })
  const isoAgo = (seconds: number) =>
    Temporal.Instant.fromEpochNanoseconds(NOW_NS - BigInt(seconds) * 1_000_000_000n).toString()

  it('ends with any message, also one that is rejected', async () => {
    const devices = ['a.heard', 'a.never', 'a.broken'].map((id) => device(id, isoAgo(1000)))
    let accepted = 3
    const counts = { stored: 0, rejected: 0, duplicate: 0, pending: 0 }
    const context = contextOf(
      {
        lastValues: () => [
          {
            device: 'a.heard',
            kind: 'truck',
            channel: 'telemetry',
            time: NOW_NS,
            tenant: 'a',
            receivedAt: NOW_NS - 10_000_000_000n,
            claimedTime: null,
            seq: 1,
            flags: [],
            fields: {},
            radio: null,
          },
        ],
        delivery: () => [
          { device: 'a.broken', accepted, ...counts, late: 0, partial: 0, lost: 0, commands: 0 },
        ],
      },
      { devices: () => devices },
    )
    const sample = deviceSilence.sample?.create()
    const secondsAt = async (nowNs: bigint) =>
      Object.fromEntries(
        ((await sample?.(nowNs, context)) ?? []).map(({ tags, fields }) => [
          tags['device'],
          fields['silentSeconds'],
        ]),
      )
    const first = { 'a.heard': 10, 'a.never': 1000, 'a.broken': 1000 }
    expect(await secondsAt(NOW_NS)).toEqual(first)
    accepted = 4
    const later = await secondsAt(NOW_NS + MINUTE_NS)
    expect(later).toEqual({ 'a.heard': 70, 'a.never': 1060, 'a.broken': 0 })
    expect((await secondsAt(NOW_NS + 2n * MINUTE_NS))['a.broken']).toBe(60)
  })
})
