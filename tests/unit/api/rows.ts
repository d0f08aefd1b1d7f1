import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { HeatAnswer, HeatRow } from '#lib/telemetry/heat.ts'
import type {
  AggregateRow,
  DeliveryRow,
  LatencyRow,
  ReadingRow,
  RejectionRow,
} from '#lib/telemetry/questions.ts'

import type { AvailabilityRow, JitterRow } from '#lib/telemetry/service.ts'

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
    position: 1,
    index: 0,
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

export function deliveryRow(device: string): DeliveryRow {
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
    p50Ms: 1,
    p95Ms: 2,
    p99Ms: 3,
    maxMs: 4,
    clockBoundMs: null,
    negative: 0,
    method: 'histogram',
    relError: 0.02,
    ...given,
  }
}

export function heatRow(given: Partial<HeatRow> = {}): HeatRow {
  return {
    boundary: 'delivered',
    group: {},
    timeNs: null,
    energyKwh: 120,
    bridgedKwh: 20,
    uncertaintyKwh: 1,
    coverage: 0.9,
    intervals: { measured: 20, bridged: 1, missing: 1, excluded: 0 },
    meters: 1,
    ...given,
  }
}

export function heatAnswer(rows: readonly HeatRow[], devices: readonly string[]): HeatAnswer {
  const at = { timeNs: NOON_NS - 60n * SECOND_NS, toNs: NOON_NS, count: 1 }
  const findings = devices.map((device) => ({ device, code: 'register_reset', ...at }))
  const sums = { findingsTotal: findings.length, meters: rows.length, metersWithoutRole: 0 }
  return { rows, findings, ...sums, coverage: 0.9, timeZone: 'Europe/Copenhagen' }
}

export function availabilityRow(
  device: string,
  given: Partial<AvailabilityRow> = {},
): AvailabilityRow {
  return {
    device,
    channel: 'telemetry',
    method: 'uplink',
    availability: 0.99,
    observedMs: 100_000,
    downMs: 1000,
    outages: 1,
    longestOutageMs: 1000,
    n: 1000,
    late: 2,
    lost: 3,
    clockBoundMs: 2,
    ...given,
  }
}

export function jitterRow(device: string, given: Partial<JitterRow> = {}): JitterRow {
  const steps = { ipdvN: 9, ipdvMeanMs: 1, ipdvP95Ms: 2 }
  const above = { pdvP95Ms: 3, pdvP999Ms: 4, jitterMs: 1.5 }
  return { device, channel: 'telemetry', stage: 'age', n: 10, ...steps, ...above, ...given }
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
