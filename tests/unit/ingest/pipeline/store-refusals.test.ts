import { describe, expect, it } from 'vitest'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { Outcome } from '../../../../ingest/pipeline/outcome.ts'
import { createIntakeState, touchDevice } from '../../../../ingest/state/intake-state.ts'
import { withoutRefused } from '../../../../ingest/pipeline/store-refusals.ts'

const DEVICE = 'acme.t1'

function message(position: number, payload: string): JournaledMessage {
  const about = { device: DEVICE, topic: 'padborg/v1/acme/t1/telemetry', qos: 1 } as const
  const flags = { retain: false, dup: false, will: false, origin: null }
  const times = { receivedAtNs: 1n, receivedMonoNs: 1n }
  return { ...about, ...flags, ...times, position, payload: Buffer.from(payload) }
}

/** Only what is looked at. */
const reading = (position: number, readingOrdinal: number, flags = 0) =>
  ({ device: DEVICE, position, readingOrdinal, flags }) as Reading

function world(readings: Reading[]) {
  const state = createIntakeState()
  const { counts } = touchDevice(state, DEVICE)
  const stored = new Set(readings.map(({ position }) => position)).size
  Object.assign(counts, { read: stored, stored })
  counts.late = new Set(
    readings.filter(({ flags }) => flags !== 0).map(({ position }) => position),
  ).size
  const outcome: Outcome = {
    readings,
    rejected: [],
    recovered: [],
    recounted: new Set(),
    refusedReplays: [],
    replays: new Map(),
    counts: { stored, duplicate: 0, rejected: 0 },
  }
  return { state, counts, outcome }
}

describe('readings that the store refuses', () => {
  it('leave a batch as it is when there are none', () => {
    const { state, outcome } = world([reading(1, 0)])
    expect(withoutRefused(outcome, [], { state, messages: [] })).toBe(outcome)
  })

  it('are a rejection of their message, which counts as rejected and no longer as stored', () => {
    const { state, counts, outcome } = world([reading(1, 0, FLAGS.late), reading(2, 0)])
    const messages = [message(1, '{"v":1}'), message(2, '{"v":1}')]
    const refused = [{ position: 1, readingOrdinal: 0, reason: 'field type conflict' }]
    const after = withoutRefused(outcome, refused, { state, messages })
    expect(after.readings).toEqual([reading(2, 0)])
    expect(after.rejected).toEqual([
      {
        message: messages[0],
        format: '',
        whole: true,
        refused: [
          {
            elementIndex: -1,
            reason: 'store_refused',
            path: '',
            expected: 'a reading that the store takes',
            got: 'field type conflict',
          },
        ],
      },
    ])
    expect(counts).toMatchObject({ read: 2, stored: 1, rejected: 1, partial: 0, late: 0 })
    expect(after.counts).toEqual({ stored: 1, duplicate: 0, rejected: 1 })
  })

  it('make a message partial while others of its elements are stored', () => {
    const { state, counts, outcome } = world([reading(1, 0), reading(1, 1)])
    const messages = [message(1, '[{},{}]')]
    const refused = [{ position: 1, readingOrdinal: 1, reason: 'max series' }]
    const after = withoutRefused(outcome, refused, { state, messages })
    expect(after.rejected[0]).toMatchObject({ whole: false, refused: [{ elementIndex: 1 }] })
    expect(counts).toMatchObject({ stored: 1, rejected: 0, partial: 1 })
  })

  it('leave the rejection open that a replay was to recover', () => {
    const { state, counts, outcome } = world([reading(9, 0)])
    const origin = { position: 1, elementIndex: -1 }
    const messages = [{ ...message(9, '{"v":1}'), origin }]
    const recovered = [{ origin, atNs: 1n, position: 9 }]
    const replays = new Map([[9, 'recovered' as const]])
    const refused = [{ position: 9, readingOrdinal: 0, reason: 'no' }]
    const replayed = { ...outcome, recovered, replays }
    const after = withoutRefused(replayed, refused, { state, messages })
    expect(after.recovered).toEqual([])
    expect(after.replays.get(9)).toBe('again')
    expect(after.refusedReplays).toMatchObject([{ position: 9 }])
    expect(counts).toMatchObject({ stored: 0, rejected: 1 })
  })
})
