import { describe, expect, it } from 'vitest'
import { FLAGS, flagNames } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { escapeTag } from '#lib/store/influx/write/line.ts'
import type { Identity, Known } from '#lib/store/store.ts'
import {
  judgeBatch,
  type PipelineDeps,
  type PipelineOptions,
} from '../../../../ingest/pipeline/process-batch.ts'
import { createIntakeState } from '../../../../ingest/state/intake-state.ts'
import { T0, journaled, truckOf, truckPayload } from '../../../support/messages.ts'

const DAY_NS = 86_400_000_000_000n
const OPTIONS: PipelineOptions = {
  timezone: 'Europe/Copenhagen',
  lateNs: 60_000_000_000n,
  maxAgeNs: { fleet: 90n * DAY_NS, metering: 3650n * DAY_NS },
  maxChannels: 64,
}

function setUp(known: (identity: Identity) => Known = () => 'unknown') {
  const state = createIntakeState()
  const asked: Identity[] = []
  const deps: PipelineDeps = {
    device: (id) => (id === 'acme.t1' ? truckOf() : null),
    known: async (identities) => {
      asked.push(...identities)
      return identities.map(known)
    },
    statusBefore: () => ({ open: [], rejected: false }),
  }
  const run = (...messages: JournaledMessage[]) => judgeBatch(state, messages, deps, OPTIONS)
  const counts = () => state.devices.get('acme.t1')?.counts
  return { state, asked, run, counts }
}

describe('the pipeline', () => {
  it('turns a message into a reading with its own time, position and bytes', async () => {
    const { run } = setUp()
    const message = journaled(1, truckPayload(1, 72.5))
    const { readings } = await run(message)
    expect(readings).toHaveLength(1)
    expect(readings[0]).toMatchObject({
      device: 'acme.t1',
      tenant: 'acme',
      kind: 'truck',
      channel: 'telemetry',
      seq: 1,
      timeNs: T0 + 1_000_000_000n,
      position: 1,
      readingOrdinal: 0,
      flags: 0,
      fields: { speedKmh: 72.5 },
      bytes: message.payload.length,
      uplinkMs: null,
    })
  })

  it('knows a duplicate however many messages of one batch lie between', async () => {
    const { run, counts } = setUp()
    const payloads = Array.from({ length: 300 }, (_, at) => truckPayload(at + 1))
    const twice = [...payloads, ...payloads].map((payload, at) => journaled(at + 1, payload))
    const { readings } = await run(...twice)
    expect(readings).toHaveLength(300)
    expect(counts()).toMatchObject({ read: 600, stored: 300, duplicate: 300 })
  })

  it('queries the store for identities that left the memory in an earlier batch', async () => {
    const { run, counts, asked } = setUp(() => 'same')
    const payloads = Array.from({ length: 300 }, (_, at) => truckPayload(at + 1))
    await run(...payloads.map((payload, at) => journaled(at + 1, payload)))
    await run(journaled(301, truckPayload(10)))
    expect(asked.map(({ seq }) => seq)).toEqual([10])
    expect(counts()).toMatchObject({ read: 301, stored: 300, duplicate: 1 })
  })

  it('drops a redelivered message and counts it as duplicate', async () => {
    const { run, counts, asked } = setUp()
    await run(journaled(1, truckPayload(1)), journaled(2, truckPayload(1), { dup: true }))
    const { readings } = await run(journaled(3, truckPayload(1)))
    expect(readings).toEqual([])
    expect(counts()).toMatchObject({ read: 3, stored: 1, duplicate: 2 })
    expect(asked).toEqual([])
  })

  it('keeps two different readings of the same millisecond and flags the second', async () => {
    const { run, counts } = setUp()
    const { readings } = await run(
      journaled(1, truckPayload(1, 50, 1_764_000_001_000)),
      journaled(2, truckPayload(2, 51, 1_764_000_001_000)),
      journaled(3, truckPayload(2, 52, 1_764_000_001_000)),
    )
    expect(readings.map(({ flags }) => flagNames(flags))).toEqual([
      [],
      ['duplicate_time'],
      ['duplicate_time', 'sequence_reused'],
    ])
    expect(counts()).toMatchObject({ stored: 3, duplicate: 0 })
  })

  it('loses nothing of a device that restarts its sequence numbers', async () => {
    const { run } = setUp()
    await run(...[1, 2, 3].map((seq) => journaled(seq, truckPayload(seq))))
    const { readings } = await run(
      ...[1, 2].map((seq) =>
        journaled(10 + seq, truckPayload(seq, 60, Number(T0 / 1_000_000n) + 20_000 + seq * 1000)),
      ),
    )
    expect(readings.map(({ flags }) => flagNames(flags))).toEqual([
      ['sequence_reused'],
      ['sequence_reused'],
    ])
  })

  it('takes a message without a time as a duplicate only with the DUP flag, within 10 minutes', async () => {
    const { run, counts } = setUp()
    const untimed = { v: 1, kind: 'truck', data: { speedKmh: 5 } }
    const later = { receivedAtNs: T0 + 3_600_000_000_000n, dup: true }
    await run(
      journaled(1, untimed),
      journaled(2, untimed),
      journaled(3, untimed, { dup: true }),
      journaled(4, untimed, later),
    )
    expect(counts()).toMatchObject({ stored: 3, duplicate: 1 })
  })

  it('stores a reading with an impossible clock at its receive time and keeps the claim', async () => {
    const { run } = setUp()
    const message = journaled(1, truckPayload(1, 50, 1_072_915_236_000))
    const { readings } = await run(message, { ...message, position: 2 })
    expect(readings).toHaveLength(1)
    expect(readings[0]?.timeNs).toBe(message.receivedAtNs)
    expect(readings[0]?.claimedTimeNs).toBe(1_072_915_236_000_000_000n)
    expect(flagNames(readings[0]?.flags ?? 0)).toEqual(['clock_invalid'])
  })

  it('queries the store about old elements once per batch, and believes it', async () => {
    const { run, asked, counts } = setUp(({ seq }) => (seq === 7 ? 'same' : 'unknown'))
    const many = Array.from({ length: 200 }, (_, n) => journaled(n + 1, truckPayload(n + 100)))
    await run(...many)
    const { readings } = await run(
      journaled(300, truckPayload(7)),
      journaled(301, truckPayload(8)),
      journaled(302, truckPayload(8)),
    )
    expect(asked.map(({ seq }) => seq)).toEqual([7, 8, 8])
    expect(readings.map(({ seq }) => seq)).toEqual([8])
    expect(counts()).toMatchObject({ stored: 201, duplicate: 2, late: 1 })
  })

  it('marks late, retained, will and replayed readings as not live or late', async () => {
    const { run } = setUp()
    const { readings } = await run(
      journaled(1, truckPayload(1), { retain: true }),
      journaled(2, truckPayload(2), { will: true }),
      journaled(90, truckPayload(3)),
    )
    expect(readings.map(({ flags }) => flags)).toEqual([FLAGS.not_live, FLAGS.not_live, FLAGS.late])
  })

  it('refuses what is older than its retention as too_old, and unknown devices', async () => {
    const { run, counts } = setUp()
    const old = truckPayload(1, 50, Number(T0 / 1_000_000n) - 91 * 86_400_000)
    const { rejected } = await run(
      journaled(1, old),
      journaled(2, truckPayload(1), { device: 'acme.gone' }),
    )
    expect(rejected.map(({ refused }) => refused[0]?.reason)).toEqual(['too_old', 'unknown_device'])
    expect(counts()).toMatchObject({ read: 1, rejected: 1, stored: 0 })
  })

  it('stores the good elements of an array and rejects the bad one with its index', async () => {
    const { run, counts } = setUp()
    const { readings, rejected } = await run(
      journaled(1, [truckPayload(1), { ...truckPayload(2), data: { speedKmh: 'fast' } }]),
    )
    expect(readings).toHaveLength(1)
    expect(rejected[0]?.refused[0]).toMatchObject({
      elementIndex: 1,
      reason: 'schema',
      path: '[1].data.speedKmh',
    })
    expect(counts()).toMatchObject({ stored: 1, partial: 1, rejected: 0 })
  })

  it('gives an uplink only to devices whose clock is known, with its bound', async () => {
    const { run, state } = setUp()
    await run(journaled(1, truckPayload(1)))
    const device = state.devices.get('acme.t1')
    const ms = (value: bigint) => value * 1_000_000n
    if (device) {
      const at = T0 / 1_000_000n
      device.clock = {
        samples: [{ offset: String(ms(40n)), delay: String(ms(20n)), at: String(ms(at)) }],
      }
    }
    const { readings } = await run(journaled(2, truckPayload(2)))
    // Received 100 ms after the device's own time, but that clock is 40 ms ahead: 140 ms.
    expect(readings[0]?.uplinkMs).toBeCloseTo(140, 6)
    expect(readings[0]?.clockBoundMs).toBeCloseTo(10.0315, 3)
  })

  it('keeps the latest reading by device time as the last value', async () => {
    const { run, state } = setUp()
    await run(journaled(1, truckPayload(5, 55)), journaled(2, truckPayload(3, 33)))
    expect(state.devices.get('acme.t1')?.last.get('truck')?.fields).toEqual({ speedKmh: 55 })
  })

  it('carries a field on to a newer last value, but none that is beyond its range', async () => {
    const { run, state } = setUp()
    const beyond = { ...truckPayload(1), data: { fuelPct: 164, altM: 30 } }
    await run(journaled(1, beyond), journaled(2, truckPayload(2, 51)))
    const last = state.devices.get('acme.t1')?.last.get('truck')
    expect(last?.fields).toEqual({ altM: 30, speedKmh: 51 })
    expect(last?.flags).toEqual([])
  })

  it('shows control characters of texts and topics, and keeps topics that differ in them apart', async () => {
    const { run, state } = setUp()
    const radio = { operator: '238\n01', rsrpDbm: -85 }
    const topics = ['ch/a\nb', 'ch/a\tb', 'ch/a b', String.raw`ch/a\u000ab`]
    const { readings, rejected } = await run(
      ...topics.map((topic, at) => journaled(at + 1, { ...truckPayload(1), radio }, { topic })),
    )
    expect(rejected).toEqual([])
    expect(readings.map(({ channel }) => channel)).toEqual([
      String.raw`ch/a\u000ab`,
      String.raw`ch/a\u0009b`,
      'ch/a b',
      String.raw`ch/a\\u000ab`,
    ])
    const tags = readings.map(({ channel }) => escapeTag(channel))
    expect(new Set(tags).size).toBe(topics.length)
    expect(readings[0]?.radio).toEqual({ operator: String.raw`238\u000a01`, rsrpDbm: -85 })
    const last = state.devices.get('acme.t1')?.last.get('truck')
    expect(last?.radio?.operator).toBe(String.raw`238\u000a01`)
  })
})
