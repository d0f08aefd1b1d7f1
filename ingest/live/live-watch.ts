import {
  comparePlaces,
  isIn,
  type LiveBatch,
  type LiveEvent,
  type LiveInterest,
  type SilenceRow,
} from '#lib/telemetry/live.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Reading, ReadingRow } from '#lib/telemetry/reading.ts'
import { formatNamed } from '../formats/catalogue.ts'
import type { Outcome } from '../pipeline/outcome.ts'
import { entriesOf } from '../rejections/rejection-entries.ts'
import { rejectionId, type RejectedMessage } from '../rejections/rejected-message.ts'

/** What one batch hands over at most: the rest is reported as dropped, so that no batch takes long. */
export interface LiveLimits {
  readonly events: number
  readonly payloadBytes: number
}

export const LIVE_LIMITS: LiveLimits = { events: 5000, payloadBytes: 4 * 1024 * 1024 }
/** Matches remembered for devices and kinds; a fleet beyond that is matched again. */
const MAX_REMEMBERED = 100_000

/** On the ingest thread: the part of a batch that somebody watches. */
export class LiveWatch {
  readonly #limits: LiveLimits
  #wanted: readonly LiveInterest[] = []
  #matches = new Map<string, boolean>()

  constructor(limits: LiveLimits = LIVE_LIMITS) {
    this.#limits = limits
  }

  /** Replaces what is wanted; an empty list ends all work. */
  want(interests: readonly LiveInterest[]): void {
    this.#wanted = interests
    this.#matches = new Map()
  }

  /** Null when nobody wants anything of it. */
  batchOf({ readings, rejected }: LiveOutcome, position: number): LiveBatch | null {
    if (this.#wanted.length === 0) return null
    // The newest of each sort are made into events; the older ones are only counted.
    const rows = readings.filter(({ kind, device }) => this.#isWanted(kind, device))
    const refused = rejected.filter(({ message }) => this.#isWanted('', message.device))
    const shown = newestRejections(refused, this.#limits)
    const room = this.#limits.events - shown.length
    const events = [...rows.slice(Math.max(0, rows.length - room)).map(readingEvent), ...shown]
    const all = rows.length + refused.reduce((sum, one) => sum + one.refused.length, 0)
    if (all === 0) return null
    events.sort((a, b) => comparePlaces(a.place, b.place))
    const count = events.reduce((sum, one) => sum + elementsOf(one), 0)
    return { position, events, dropped: all - count }
  }

  /** The same for begins and ends of silence; the position is the writer's. */
  silencesOf(rows: readonly SilenceRow[], position: number): LiveBatch | null {
    if (this.#wanted.length === 0) return null
    const silences = rows
      .filter(({ device }) => this.#isWanted('', device))
      .map((row) => ({ type: 'silence' as const, row }))
    return silences.length === 0 ? null : { position, events: [], dropped: 0, silences }
  }

  /** The kind of a rejection is ''. */
  #isWanted(kind: Reading['kind'] | '', device: FullId): boolean {
    const key = `${kind} ${device}`
    const known = this.#matches.get(key)
    if (known !== undefined) return known
    const matches = this.#wanted.some(({ readings, rejections }) =>
      kind === '' ? isIn(rejections, device) : isIn(readings, device, kind),
    )
    if (this.#matches.size >= MAX_REMEMBERED) this.#matches = new Map()
    this.#matches.set(key, matches)
    return matches
  }
}

type LiveOutcome = Pick<Outcome, 'readings' | 'rejected'>

function readingEvent(reading: Reading): LiveEvent {
  const { position, readingOrdinal } = reading
  return {
    type: 'reading',
    place: { position, rejection: false, index: readingOrdinal },
    row: rowOf(reading),
  }
}

/** A reading as the store shows it. */
function rowOf(reading: Reading): ReadingRow {
  const { timeNs, device, kind, channel, seq, receivedAtNs, claimedTimeNs } = reading
  const { position, readingOrdinal, fields, radio } = reading
  const flags = flagNames(reading.flags)
  return {
    timeNs,
    device,
    kind,
    channel,
    seq,
    receivedAtNs,
    claimedTimeNs,
    position,
    readingOrdinal,
    flags,
    fields,
    radio,
  }
}

function elementsOf(event: LiveEvent): number {
  return event.type === 'rejection' ? event.row.elements : 1
}

function newestRejections(rejected: readonly RejectedMessage[], limits: LiveLimits): LiveEvent[] {
  const events: LiveEvent[] = []
  let bytes = 0
  for (const one of rejected.toReversed()) {
    for (const event of rejectionEvents(one)) {
      bytes += one.message.payload.byteLength
      if (bytes > limits.payloadBytes || events.length >= limits.events) return events
      events.push(event)
    }
  }
  return events
}

function rejectionEvents({ message, format, refused }: RejectedMessage): LiveEvent[] {
  const { position, device, topic, receivedAtNs } = message
  // Of its own memory: a view would take the whole block it lies in across to the other thread.
  const payload = new Uint8Array(message.payload)
  const formatVersion = formatNamed(format)?.version ?? 1
  return entriesOf(refused).map(({ item, fault, covers }) => {
    const { elementIndex, reason, path, expected, got, subDevice = null } = fault
    return {
      type: 'rejection',
      place: { position, rejection: true, index: item + 1 },
      row: {
        id: rejectionId(position, item),
        timeNs: receivedAtNs,
        device,
        topic,
        reason,
        path,
        expected,
        got,
        format,
        formatVersion,
        subDevice,
        item: elementIndex < 0 ? null : elementIndex,
        elements: covers?.length ?? 1,
        payload,
        recoveredAtNs: null,
      },
    }
  })
}
