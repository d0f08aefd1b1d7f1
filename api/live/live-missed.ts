import type { LiveEvent, LiveInterest, LivePlace } from '#lib/telemetry/live.ts'
import { comparePlaces } from '#lib/telemetry/live.ts'
import type { IngestPort, Scope } from '#lib/telemetry/questions.ts'

/**
 * A port that asks one question after the other: many viewers that come back at once must not take
 * the store from everybody else.
 */
export function inTurn(port: IngestPort): IngestPort {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    ask(name, question, signal) {
      const mine = turn.then(() => {
        signal?.throwIfAborted()
        return port.ask(name, question, signal)
      })
      turn = mine.catch(() => undefined)
      return mine
    },
  }
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
  /** When the first of them came; null where that is not known. */
  readonly receivedFromNs: bigint | null
}

const READINGS = 1000
const REJECTIONS = 50
const ALL_TIMES = { fromNs: -(2n ** 63n), toNs: 2n ** 63n - 1n }

/** Events that are in the store, page by page: readings and rejections in one order. */
export async function* missedEvents(port: IngestPort, missed: Missed): AsyncGenerator<MissedPage> {
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

/** Events of one sort; after `edge` there may be more, null says there are none. */
interface Run {
  readonly events: readonly LiveEvent[]
  readonly edge: LivePlace | null
  readonly receivedFromNs: bigint | null
}

const NOTHING: Run = { events: [], edge: null, receivedFromNs: null }

async function readingsAfter(
  port: IngestPort,
  { interest, to, signal }: Missed,
  { position, rejection, index }: LivePlace,
): Promise<Run> {
  const scope: Scope | null = interest.readings
  if (!scope || position > to) return NOTHING
  // Rejections of a message stand before its readings.
  const after = { position, index: rejection ? -1 : index }
  const question = { scope, after, toPosition: to, limit: READINGS }
  const { data, receivedFromNs } = await port.ask('since', question, signal)
  const events = data.map((row): LiveEvent => {
    const place = { position: row.position, rejection: false, index: row.index }
    return { type: 'reading', place, row }
  })
  const edge = data.length < READINGS ? null : (events.at(-1)?.place ?? null)
  return { events, edge, receivedFromNs }
}

async function rejectionsAfter(
  port: IngestPort,
  { interest, to, signal }: Missed,
  { position, rejection, index }: LivePlace,
): Promise<Run> {
  const scope = interest.rejections
  if (!scope || position > to) return NOTHING
  const cursor = rejection ? `${position}.${index}` : `${position}.${LAST_ITEM}`
  const page = await port.ask(
    'rejections',
    { scope, reasons: null, order: 'asc', limit: REJECTIONS, cursor, ...ALL_TIMES },
    signal,
  )
  const found = page.data.map((row): LiveEvent => ({ type: 'rejection', place: placeOf(row), row }))
  const events = found.filter(({ place }) => place.position <= to)
  const isLast = page.next === null || events.length < found.length
  const edge = isLast ? null : (events.at(-1)?.place ?? null)
  return { events, edge, receivedFromNs: page.data[0]?.timeNs ?? null }
}

const LAST_ITEM = 999_999_999

function placeOf({ id }: { readonly id: string }): LivePlace {
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
