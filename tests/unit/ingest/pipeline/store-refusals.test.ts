import { describe, expect, it } from 'vitest'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { RefusedElement } from '../../../../ingest/formats/format.ts'
import { countReplay, type ReplayCountDeps } from '../../../../ingest/pipeline/count-replay.ts'
import { createOutcome, type Outcome } from '../../../../ingest/pipeline/outcome.ts'
import { createIntakeState, touchDevice } from '../../../../ingest/state/intake-state.ts'
import { withoutRefused } from '../../../../ingest/pipeline/store-refusals.ts'

const DEVICE = 'acme.t1'

const BAD = { elementIndex: 0, reason: 'schema', path: '[0]', expected: 'a', got: 'b' } as const
const DEPS: ReplayCountDeps = {
  statusBefore: () => ({ open: [-1], rejected: true, device: DEVICE }),
}

function message(position: number, payload: string): JournaledMessage {
  const about = { device: DEVICE, topic: 'padborg/v1/acme/t1/telemetry', qos: 1 } as const
  const flags = { retain: false, dup: false, will: false, origin: null }
  const times = { receivedAtNs: 1n, receivedMonoNs: 1n }
  return { ...about, ...flags, ...times, position, payload: Buffer.from(payload) }
}

/** Only what is looked at. */
const reading = (position: number, readingOrdinal: number, flags = 0, elementIndex = -1) =>
  ({ device: DEVICE, position, readingOrdinal, flags, elementIndex }) as Reading

function world(readings: Reading[]) {
  const state = createIntakeState()
  const { counts } = touchDevice(state, DEVICE)
  const stored = new Set(readings.map(({ position }) => position)).size
  Object.assign(counts, { read: stored, stored })
  counts.late = new Set(
    readings.filter(({ flags }) => flags !== 0).map(({ position }) => position),
  ).size
  const outcome: Outcome = {
    ...createOutcome(),
    readings,
    counts: { stored, duplicate: 0, rejected: 0 },
  }
  return { state, counts, outcome }
}

describe('readings that the store refuses', () => {
  it('leave a batch as it is when there are none', () => {
    const { state, outcome } = world([reading(1, 0)])
    expect(withoutRefused(outcome, [], { state, messages: [], deps: DEPS })).toBe(outcome)
  })

  it('are a rejection of their message, which counts as rejected and no longer as stored', () => {
    const { state, counts, outcome } = world([reading(1, 0, FLAGS.late), reading(2, 0)])
    const messages = [message(1, '{"v":1}'), message(2, '{"v":1}')]
    const refused = [{ position: 1, readingOrdinal: 0, reason: 'field type conflict' }]
    const after = withoutRefused(outcome, refused, { state, messages, deps: DEPS })
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
    const { state, counts, outcome } = world([reading(1, 0, 0, 0), reading(1, 1, 0, 1)])
    const messages = [message(1, '[{},{}]')]
    const refused = [{ position: 1, readingOrdinal: 1, reason: 'max series' }]
    const after = withoutRefused(outcome, refused, { state, messages, deps: DEPS })
    expect(after.rejected[0]).toMatchObject({ whole: false, refused: [{ elementIndex: 1 }] })
    expect(counts).toMatchObject({ stored: 1, rejected: 0, partial: 1 })
  })

  it('name their element by its place in the payload, whatever was refused before it', () => {
    // [bad, good]: the good one is the first reading of its message.
    const { state, counts, outcome } = world([reading(1, 0, 0, 1)])
    const messages = [message(1, '[1,{}]')]
    const rejected = [
      { message: message(1, '[1,{}]'), format: 'native', refused: [BAD], whole: false },
    ]
    counts.partial = 1
    const refused = [{ position: 1, readingOrdinal: 0, reason: 'max series' }]
    const after = withoutRefused({ ...outcome, rejected }, refused, { state, messages, deps: DEPS })
    expect(after.rejected).toMatchObject([
      { whole: true, refused: [{ elementIndex: 0 }, { elementIndex: 1, reason: 'store_refused' }] },
    ])
    expect(counts).toMatchObject({ stored: 0, rejected: 1, partial: 0 })
  })

  it('are of a replay one record, with what its format refused', () => {
    const { state, outcome, replay } = replayed('[1,{}]', [reading(9, 0, 0, 1)], [BAD])
    const refused = [{ position: 9, readingOrdinal: 0, reason: 'no' }]
    const after = withoutRefused(outcome, refused, { state, messages: [replay], deps: DEPS })
    expect(after.refusedReplays).toMatchObject([
      { position: 9, refused: [{ elementIndex: 0 }, { elementIndex: 1 }] },
    ])
  })

  it('leave the rejection open that a replay was to recover', () => {
    const { state, counts, outcome, replay } = replayed('{"v":1}', [reading(9, 0)])
    expect(counts).toMatchObject({ stored: 1, rejected: 0 })
    const refused = [{ position: 9, readingOrdinal: 0, reason: 'no' }]
    const after = withoutRefused(outcome, refused, { state, messages: [replay], deps: DEPS })
    expect(after.recovered).toEqual([])
    expect(after.replays.get(9)).toBe('again')
    expect(after.refusedReplays).toMatchObject([{ position: 9 }])
    expect(counts).toMatchObject({ stored: 0, rejected: 1 })
  })

  it('leave recovered what else the replay has brought in', () => {
    const readings = [reading(9, 0, 0, 0), reading(9, 1, 0, 1)]
    const { state, counts, outcome, replay } = replayed('[{},{}]', readings)
    const refused = [{ position: 9, readingOrdinal: 1, reason: 'no' }]
    const after = withoutRefused(outcome, refused, { state, messages: [replay], deps: DEPS })
    expect(after.recovered).toMatchObject([
      { origin: 1, elements: [-1], left: { refused: [{ elementIndex: 1 }] } },
    ])
    expect(counts).toMatchObject({ stored: 1, rejected: 0, partial: 1 })
  })
})

/** A replay at 9 of the message at 1, which was rejected as a whole. */
function replayed(payload: string, readings: Reading[], refused: readonly RefusedElement[] = []) {
  const { state, counts } = world([])
  Object.assign(counts, { read: 1, rejected: 1 })
  const outcome = { ...createOutcome(), readings }
  const replay = { ...message(9, payload), origin: { position: 1, elementIndex: -1 } }
  const output = { elements: [], refused }
  const parsed = { message: replay, format: 'native', channel: '', output, gateway: null }
  const judged = { readings, refused, duplicates: 0, late: false }
  countReplay(parsed, judged, { state, deps: DEPS, outcome })
  return { state, counts, outcome, replay }
}
