import {
  type LiveEvent,
  type LiveInterest,
  type LivePlace,
  comparePlaces,
} from '#lib/telemetry/live.ts'
import { FairQueue, type Shares } from '#lib/runtime/fair-queue.ts'
import type { CallerTag } from '#lib/telemetry/caller-tag.ts'
import type { RejectionsScan } from '#lib/queries/intake-state.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import type { QueryResult, ScopedQuery } from '#lib/queries/query.ts'
import { rejectionOf, type RejectionRow } from '#lib/queries/rejections.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import type { Scope } from '#lib/telemetry/scope.ts'

/** What a viewer that reconnects reads. */
export type MissedPort = Pick<IngestPort, 'since' | 'status'> & {
  rejections(scan: RejectionsScan, signal: AbortSignal): Promise<QueryResult<RejectionRow>>
}

const ONE: Shares = { ofKey: 1, ofTenant: 1, all: 1 }
/** Each viewer waits for two things at most, and their number is limited. */
const UNLIMITED: Shares = { ofKey: Infinity, ofTenant: Infinity, all: Infinity }

/**
 * Runs one query after the other: many viewers that reconnect at once must not take all of the
 * store's capacity. Tenants take turns, and in them keys.
 */
export function oneAtATime(port: IngestPort): (caller: CallerTag) => MissedPort {
  const refuse = () => new Error('a queue without a limit was full')
  const queue = new FairQueue({ running: ONE, waiting: UNLIMITED, refuse })
  return (caller) => {
    const run = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
      const turn = await queue.enter(caller, { signal })
      return await work().finally(() => turn.leave())
    }
    return {
      since: (scan, signal) => run(signal, () => port.since({ ...scan, caller }, signal)),
      status: (signal) => run(signal, () => port.status(signal)),
      rejections: (scan, signal) =>
        run(signal, () => rejectionsOf(port, { ...scan, caller }, signal)),
    }
  }
}

async function rejectionsOf(
  port: IngestPort,
  scan: RejectionsScan & ScopedQuery,
  signal: AbortSignal,
): Promise<QueryResult<RejectionRow>> {
  const result = await port.query('rejections', scan, signal)
  if (isTooMany(result)) throw new Error('rejections have no limit of what they read')
  return result
}

export interface Missed {
  readonly interest: LiveInterest
  readonly after: LivePlace
  /** Last position, included. */
  readonly to: number
  readonly signal: AbortSignal
}

export interface MissedPage {
  /** In the order of their places. */
  readonly events: readonly LiveEvent[]
  /** When the first of them was received; null where that is not known. */
  readonly receivedFromNs: bigint | null
}

const READINGS = 1000
const REJECTIONS = 50
const ALL_TIMES = { fromNs: -(2n ** 63n), toNs: 2n ** 63n - 1n }

/** Events that are in the store, page by page: readings and rejections in one order. */
export async function* missedEvents(port: MissedPort, missed: Missed): AsyncGenerator<MissedPage> {
  let after: LivePlace | null = missed.after
  while (after !== null) {
    const [readings, rejections]: [Run, Run] = await Promise.all([
      readingsAfter(port, missed, after),
      rejectionsAfter(port, missed, after),
    ])
    const edge = earlier(readings.edge, rejections.edge)
    const events = [...readings.events, ...rejections.events]
      .filter(({ place }) => edge === null || comparePlaces(place, edge) <= 0)
      .toSorted((a, b) => comparePlaces(a.place, b.place))
    const { receivedFromNs } = earlierTime(readings, rejections)
    if (events.length > 0) yield { events, receivedFromNs }
    after = edge
  }
}

/** Events of one type; after `edge` there may be more, null when there are none. */
interface Run {
  readonly events: readonly LiveEvent[]
  readonly edge: LivePlace | null
  readonly receivedFromNs: bigint | null
}

const NOTHING: Run = { events: [], edge: null, receivedFromNs: null }

async function readingsAfter(
  port: MissedPort,
  { interest, to, signal }: Missed,
  { position, rejection, index }: LivePlace,
): Promise<Run> {
  const scope: Scope | null = interest.readings
  if (!scope || position > to) return NOTHING
  // Rejections of a message come before its readings.
  const after = { position, readingOrdinal: rejection ? -1 : index }
  const scan = { scope, after, toPosition: to, limit: READINGS }
  const { data, receivedFromNs } = await port.since(scan, signal)
  const events = data.map((row): LiveEvent => {
    const place = { position: row.position, rejection: false, index: row.readingOrdinal }
    return { type: 'reading', place, row }
  })
  const edge = data.length < READINGS ? null : (events.at(-1)?.place ?? null)
  return { events, edge, receivedFromNs }
}

async function rejectionsAfter(
  port: MissedPort,
  { interest, to, signal }: Missed,
  { position, rejection, index }: LivePlace,
): Promise<Run> {
  const scope = interest.rejections
  if (!scope || position > to) return NOTHING
  const cursor = rejection ? `${position}.${index}` : `${position}.${LAST_INDEX}`
  const { rows, next } = await port.rejections(
    { scope, reasons: null, order: 'asc', limit: REJECTIONS, cursor, ...ALL_TIMES },
    signal,
  )
  const found = rows.map((one): LiveEvent => {
    const row = rejectionOf(one)
    return { type: 'rejection', place: rejectionPlace(row), row }
  })
  const events = found.filter(({ place }) => place.position <= to)
  const isLast = (next ?? null) === null || events.length < found.length
  const edge = isLast ? null : (events.at(-1)?.place ?? null)
  return { events, edge, receivedFromNs: rows[0]?.time ?? null }
}

const LAST_INDEX = 999_999_999

function rejectionPlace({ id }: { readonly id: string }): LivePlace {
  const [position, index] = id.split('.')
  return { position: Number(position), rejection: true, index: Number(index) }
}

function earlier(a: LivePlace | null, b: LivePlace | null): LivePlace | null {
  if (a === null || b === null) return a ?? b
  return comparePlaces(a, b) < 0 ? a : b
}

function earlierTime(a: Run, b: Run): Pick<Run, 'receivedFromNs'> {
  if (a.receivedFromNs === null || b.receivedFromNs === null) return a.receivedFromNs ? a : b
  return a.receivedFromNs < b.receivedFromNs ? a : b
}
