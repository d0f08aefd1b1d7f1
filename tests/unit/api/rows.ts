import type { DelayRow } from '#lib/telemetry/delay.ts'
import type { RecoveredHeatRow } from '#lib/queries/recovered-heat.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { AggregateRow } from '#lib/store/scans.ts'
import type { LatencyRow } from '#lib/kpi/network/latency.ts'
import type { DeliveryCounts } from '#lib/queries/intake-state.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { RejectionRow } from '#lib/telemetry/rejection.ts'

/** 2026-11-24T12:00:00Z, the time of the tests. */
export const NOON_NS = 1_795_521_600_000_000_000n
export const SECOND_NS = 1_000_000_000n

export function readingRow(device: string, given: Partial<ReadingRow> = {}): ReadingRow {
  return {
    timeNs: NOON_NS - 60n * SECOND_NS,
    device,
    kind: 'truck',
    channel: 'telemetry',
    seq: 1,
    receivedAtNs: NOON_NS - 59n * SECOND_NS,
    claimedTimeNs: null,
    position: 1,
    readingOrdinal: 0,
    flags: [],
    fields: { speedKmh: 72.5, lat: 54.8, lon: 9.3 },
    radio: null,
    ...given,
  }
}

export function aggregateRow(device: string, given: Partial<AggregateRow> = {}): AggregateRow {
  return {
    timeNs: NOON_NS - 3600n * SECOND_NS,
    device,
    kind: 'truck',
    count: 3,
    fields: {
      speedKmh: { min: 1, mean: 2, max: 3 },
      odometerM: { first: 10, last: 14, delta: 4 },
    },
    ...given,
  }
}

export function deliveryRow(device: string): DeliveryCounts {
  const sums = { accepted: 4, stored: 2, rejected: 1, duplicate: 1, pending: 0 }
  return { device, ...sums, late: 0, partial: 0, lost: 0, commands: 0 }
}

export function rejectionRow(device: string, given: Partial<RejectionRow> = {}): RejectionRow {
  return {
    id: '4711.0',
    timeNs: NOON_NS - SECOND_NS,
    device,
    topic: `padborg/v1/${device.replace('.', '/')}/telemetry`,
    reason: 'schema',
    path: 'data.speedKmh',
    expected: 'number',
    got: 'string',
    format: 'native',
    item: null,
    elements: 1,
    payload: Buffer.from('{"v":1}'),
    formatVersion: 1,
    subDevice: null,
    recoveredAtNs: null,
    ...given,
  }
}

export function latencyRow(given: Partial<LatencyRow> = {}): LatencyRow {
  return {
    group: {},
    timeNs: null,
    stage: 'age',
    n: 10,
    percentilesMs: [1, 2, 3],
    maxMs: 4,
    clockBoundMs: null,
    negative: 0,
    late: 0,
    method: 'histogram',
    relError: 0.02,
    ...given,
  }
}

export function heatRow(given: Partial<RecoveredHeatRow> = {}): RecoveredHeatRow {
  return {
    boundary: 'delivered',
    group: {},
    energyKwh: 120,
    bridgedKwh: 20,
    uncertaintyKwh: 1,
    coverage: 0.9,
    isProvisional: true,
    intervals: { measured: 20, bridged: 1, missing: 1, excluded: 0 },
    meters: 1,
    ...given,
  }
}

export function heatResult(rows: readonly RecoveredHeatRow[], devices: readonly string[]) {
  const at = { time: NOON_NS - 60n * SECOND_NS, to: NOON_NS, count: 1 }
  const findings = devices.map((device) => ({ device, code: 'register_reset', ...at }))
  const sums = { findingsTotal: findings.length, meters: rows.length, metersWithoutRole: 0 }
  return { rows, findings, ...sums, coverage: 0.9, timeZone: 'Europe/Copenhagen' }
}

/** Messages of one channel, a second apart and on time. */
export function delayRows(device: string, n: number, given: Partial<DelayRow> = {}): DelayRow[] {
  return Array.from({ length: n }, (_, at) => {
    const timeNs = NOON_NS - BigInt(n - at) * SECOND_NS
    const times = { timeNs, receivedAtNs: timeNs + 1_000_000n }
    const delays = {
      uplinkMs: 1,
      clockBoundMs: 2,
      rttMs: null,
      counts: true,
      isLate: false,
      timed: true,
      isWanted: true,
      live: true,
    }
    return { device, channel: 'telemetry', seq: at + 1, ...times, ...delays, ...given }
  })
}

/** One row of every sort for a device. */
export function rowsOf(device: string, kind: Kind) {
  const reading = readingRow(device, { kind })
  return {
    reading,
    aggregate: aggregateRow(device, { kind }),
    lastValue: reading,
    delivery: deliveryRow(device),
    rejection: rejectionRow(device),
  }
}
