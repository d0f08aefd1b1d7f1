import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { Evidence } from '../../../../ingest/conformance/finding.ts'
import { findAll } from '../../../../ingest/conformance/catalogue.ts'
import { T0, truckOf } from '../../../support/messages.ts'

export const S_NS = 1_000_000_000n

/** A healthy truck that has sent a hundred messages, one a second until now. */
export const HEALTHY: Evidence = {
  device: truckOf(),
  credentials: [],
  nowNs: T0 + 100n * S_NS,
  facts: {
    kind: 'truck',
    registeredFormat: 'native',
    lastFormat: 'native',
    lastTopic: 'padborg/v1/acme/t1/telemetry',
    firstReceivedAtNs: T0,
    lastReceivedAtNs: T0 + 99n * S_NS,
    read: 100,
    stored: 100,
    rejected: 0,
    duplicate: 0,
    clock: { offsetMs: 2, boundMs: 8, measuredAtNs: T0, syncClass: 'B' },
    sequence: { received: 100, lost: 0, restarts: 0, reordered: 0 },
    rate: { messages: 100, spanS: 100, messagesPerS: 1 },
    transport: {
      messages: 100,
      qos: [0, 100, 0],
      retained: 0,
      redelivered: 0,
      wills: 0,
      meanBytes: 180,
      maxBytes: 200,
    },
    certificate: null,
    flags: {},
    unknownFields: {},
  },
  constantLagMs: null,
  rejected: [],
  otherFormat: null,
  last: [readingOf(99, { speedKmh: 72 })],
  readings: [],
  silences: [],
}

export function readingOf(
  atS: number,
  fields: ReadingRow['fields'],
  kind: ReadingRow['kind'] = 'truck',
): ReadingRow {
  const timeNs = T0 + BigInt(Math.round(atS * 1000)) * 1_000_000n
  return {
    device: 'acme.t1',
    kind,
    channel: 'telemetry',
    seq: null,
    timeNs,
    receivedAtNs: timeNs + 100_000_000n,
    claimedTimeNs: null,
    position: 1,
    readingOrdinal: 0,
    flags: [],
    fields,
    radio: null,
  }
}

export type Facts = Partial<Evidence['facts']>

export function withFacts(facts: Facts): Evidence {
  return { ...HEALTHY, facts: { ...HEALTHY.facts, ...facts } }
}

/** Code and severity of each finding, in order. */
export function codesOf(evidence: Evidence): string[] {
  return findAll(evidence).map(({ code, severity }) => `${severity} ${code}`)
}
