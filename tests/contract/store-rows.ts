import { createRandom, type Random } from '#lib/runtime/random.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { Radio } from '#lib/telemetry/radio.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { tenantOf } from '#lib/telemetry/ids.ts'

export const JOURNAL = '7f1e6d2a-0000-4000-8000-000000000001'
export const SECOND_NS = 1_000_000_000n
export const MINUTE_NS = 60n * SECOND_NS
export const HOUR_NS = 60n * MINUTE_NS
export const DAY_NS = 24n * HOUR_NS
/** 24 November 2026, 00:00 UTC. */
export const DAY_START_NS = BigInt(Date.UTC(2026, 10, 24)) * 1_000_000n

/** A plain truck reading; what a test is about is given. */
export function reading(position: number, over: Partial<Reading> = {}): Reading {
  const device = over.device ?? 'acme.t1'
  const timeNs = over.timeNs ?? DAY_START_NS + BigInt(position) * SECOND_NS
  return {
    device,
    tenant: tenantOf(device),
    kind: 'truck',
    channel: 'telemetry',
    seq: position,
    timeNs,
    claimedTimeNs: null,
    receivedAtNs: timeNs + 40_000_000n,
    position,
    readingOrdinal: 0,
    elementIndex: -1,
    hash: BigInt.asUintN(64, BigInt(position) * 0x9e3779b97f4a7c15n),
    flags: 0,
    fields: { speedKmh: position % 90 },
    radio: null,
    bytes: 100,
    uplinkMs: null,
    clockBoundMs: null,
    ...over,
  }
}

export function readingsFrom(first: number, last: number, over: Partial<Reading> = {}): Reading[] {
  return Array.from({ length: last - first + 1 }, (_, at) => reading(first + at, over))
}

const DEVICES = ['acme.t1', 'acme.t2', 'borg.r1', 'borg.m1'] as const

/** Sequence numbers of one channel with gaps, late arrivals and new starts, in order of arrival. */
function createSequence(random: Random): () => number {
  let next = random.integer(0, 3)
  const held: number[] = []
  return () => {
    const roll = random.next()
    if (held.length > 0 && roll < 0.3) return held.shift() ?? next
    if (roll > 0.97) {
      held.length = 0
      next = random.integer(0, 2)
    } else if (roll > 0.85) {
      held.push(next)
      next += 1
    } else if (roll > 0.8) next += random.integer(1, 5)
    next += 1
    return next - 1
  }
}

export interface FleetShape {
  readonly seed: number
  readonly messages: number
  readonly firstPosition?: number
  readonly startNs?: bigint
  readonly stepNs?: bigint
}

/** Messages of a small mixed fleet: late, flagged and invalid ones, several readings in some. */
export function randomFleet(shape: FleetShape): Reading[] {
  const random = createRandom(shape.seed)
  const { messages, firstPosition = 1, startNs = DAY_START_NS, stepNs = 7n * SECOND_NS } = shape
  const sequences = new Map<string, () => number>()
  const rows: Reading[] = []
  for (let n = 0; n < messages; n += 1) {
    const device = random.pick(DEVICES)
    const channel = random.pick(['telemetry', 'telemetry', 'status'])
    const key = `${device} ${channel}`
    const sequence = sequences.get(key) ?? createSequence(random)
    sequences.set(key, sequence)
    const receivedAtNs = startNs + BigInt(n) * stepNs + BigInt(random.integer(0, 999_999))
    const readings = random.next() < 0.2 ? random.integer(2, 3) : 1
    for (let readingOrdinal = 0; readingOrdinal < readings; readingOrdinal += 1) {
      const place = { device, channel, position: firstPosition + n, readingOrdinal, receivedAtNs }
      rows.push(randomReading(random, sequence, place))
    }
  }
  return rows
}

function randomReading(
  random: Random,
  sequence: () => number,
  place: Pick<Reading, 'device' | 'channel' | 'position' | 'readingOrdinal' | 'receivedAtNs'>,
): Reading {
  const { receivedAtNs, position, readingOrdinal, device } = place
  const roll = random.next()
  const late = roll > 0.9
  const invalid = roll < 0.04
  const retained = roll > 0.04 && roll < 0.08
  const ageNs = late
    ? BigInt(random.integer(61, 5000)) * SECOND_NS
    : BigInt(random.integer(-2_000_000, 900_000_000))
  let flags = 0
  if (late) flags |= FLAGS.late
  if (invalid) flags |= FLAGS.clock_invalid
  if (retained) flags |= FLAGS.not_live
  const own = random.next() < 0.5
  return {
    ...reading(position),
    ...place,
    tenant: tenantOf(device),
    ...measured(random, device),
    // Replays and retained messages are judged apart: they have no number here.
    seq: retained ? null : sequence(),
    timeNs: invalid ? receivedAtNs : receivedAtNs - ageNs,
    claimedTimeNs: invalid ? 12_345n : null,
    hash: BigInt.asUintN(64, BigInt(position * 8 + readingOrdinal) * 0x9e3779b97f4a7c15n),
    flags,
    bytes: readingOrdinal === 0 ? random.integer(60, 400) : 0,
    uplinkMs: own && !invalid ? random.next() * 300 - 5 : null,
    clockBoundMs: own && !invalid ? random.next() * 4 : null,
  }
}

function measured(
  random: Random,
  device: string,
): { kind: Kind; fields: Record<string, FieldValue>; radio: Radio | null } {
  const radio: Radio | null =
    random.next() < 0.7
      ? {
          rat: random.pick(['lte', 'nr-sa']),
          rsrpDbm: -random.integer(70, 110),
          cellId: random.pick(['5C422503D', 'A1']),
          operator: '238-01',
        }
      : null
  if (random.next() < 0.2) {
    return { kind: 'probe', fields: { rttMs: random.next() * 80 }, radio }
  }
  if (device === 'borg.m1') {
    return { kind: 'heat_meter', fields: { energyKwh: random.integer(0, 1e6) }, radio }
  }
  if (device === 'borg.r1') {
    return { kind: 'robot', fields: { xM: random.next(), eStop: 'NONE', driving: true }, radio }
  }
  return {
    kind: 'truck',
    fields: { speedKmh: random.integer(0, 120), odometerM: position(random), ignition: true },
    radio,
  }
}

function position(random: Random): number {
  return random.integer(0, 1e9)
}

/** Rows as batches of a number of messages, as the writer hands them over. */
export function batchesOf(rows: readonly Reading[], messages: number) {
  const last = rows.at(-1)?.position ?? 0
  const first = rows[0]?.position ?? 1
  const batches = []
  for (let from = first; from <= last; from += messages) {
    const toPosition = Math.min(last, from + messages - 1)
    batches.push({
      journal: JOURNAL,
      toPosition,
      readings: rows.filter((row) => row.position >= from && row.position <= toPosition),
    })
  }
  return batches
}
