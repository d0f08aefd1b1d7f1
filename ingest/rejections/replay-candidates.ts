import type { DatabaseSync } from 'node:sqlite'
import type { Origin } from '#lib/telemetry/message.ts'
import type { ReplayRequest } from '#lib/queries/port.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import type { JournalReader } from '../journal/journal.ts'
import { parseRejectionId } from './rejected-message.ts'
import { RejectionFilter, bytesOf } from './rejection-sql.ts'

/** A message that is to be replayed, or one element of it. */
export interface ReplayCandidate {
  readonly origin: Origin
  readonly device: string
  readonly topic: string
  readonly qos: number
  /** When it was first received: a replay keeps that time. */
  readonly receivedAtNs: bigint
  readonly payload: Uint8Array
}

/** A part of what is to be replayed, small enough for memory. */
export interface ReplayPage {
  readonly candidates: readonly ReplayCandidate[]
  /** Where the next part begins; null at the end. */
  readonly next: Origin | null
}

/** One part of a replay: the whole request, and the place to go on from. */
export interface CandidatesQuery {
  readonly request: ReplayRequest
  readonly after: Origin | null
}

export const REPLAY_PAGE = { messages: 1000, bytes: 8 * 1024 * 1024 } as const

/** Rejections that a replay asks for and that are still open, in order, after a place. */
export function rejectedCandidates(
  db: DatabaseSync,
  { scope, ids, reasons }: ReplayRequest,
  after: Origin | null,
): ReplayPage {
  const filter = new RejectionFilter()
  filter.add('r.recovered_position IS NULL')
  filter.addScope(scope)
  filter.addList('r.reason', reasons)
  if (ids) {
    const wanted = ids.map(parseRejectionId).filter((id) => id !== null)
    filter.add(
      '(r.position, r.item) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))',
      JSON.stringify(wanted.map(({ position, elementIndex }) => [position, elementIndex])),
    )
  }
  if (after) filter.add('(r.position, r.item) > (?, ?)', after.position, after.elementIndex)
  const statement = db.prepare(
    `SELECT r.position, r.item, m.device, m.topic, m.qos, m.received_ns, m.payload
     FROM rejections r JOIN rejected_messages m USING (position)
     WHERE ${filter.where} ORDER BY r.position, r.item LIMIT ?`,
  )
  statement.setReadBigInts(true)
  const candidates: ReplayCandidate[] = []
  let bytes = 0
  for (const row of statement.iterate(...filter.values, REPLAY_PAGE.messages)) {
    const candidate = candidateOf(row)
    candidates.push(candidate)
    bytes += candidate.payload.byteLength
    if (bytes >= REPLAY_PAGE.bytes) break
  }
  return { candidates, next: candidates.at(-1)?.origin ?? null }
}

function candidateOf(row: Record<string, unknown>): ReplayCandidate {
  return {
    origin: { position: Number(row['position']), elementIndex: Number(row['item']) },
    device: String(row['device']),
    topic: String(row['topic']),
    qos: Number(row['qos']),
    receivedAtNs: BigInt(String(row['received_ns'])),
    payload: bytesOf(row['payload']),
  }
}

/** Messages of the journal by position, as far back as its segments are kept. */
export function journaledCandidates(
  reader: JournalReader,
  { positions, scope }: ReplayRequest,
  after: Origin | null,
): ReplayPage {
  if (!positions) return { candidates: [], next: null }
  const from = Math.max(positions.from, (after?.position ?? 0) + 1)
  const last = Math.min(positions.to, from + REPLAY_PAGE.messages - 1)
  const newest = reader.seek(positions.to).position
  const end = reader.seek(last)
  const { messages, next } = reader.read(reader.seek(from - 1), end, REPLAY_PAGE.bytes)
  const candidates = messages
    .filter(({ device, origin }) => !origin && inScope(scope, device))
    .map(({ position, ...message }) => ({ ...message, origin: { position, elementIndex: -1 } }))
  // Where records are gone, the part ends where it was to end, and the next one goes on after it.
  const reached = next.position < end.position ? next.position : Math.max(last, end.position)
  return { candidates, next: reached >= newest ? null : { position: reached, elementIndex: -1 } }
}
