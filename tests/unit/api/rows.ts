import type { Kind } from '#lib/telemetry/catalogue.ts'
import type {
  AggregateRow,
  DeliveryRow,
  LatencyRow,
  ReadingRow,
  RejectionRow,
} from '#lib/telemetry/questions.ts'

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
