import type { RejectionStatus } from '../rejections/rejected-message.ts'
import { touchDevice, type Counts, type IntakeState } from '../state/intake-state.ts'
import type { CountedReplay, JudgedMessage, Move, Outcome } from './outcome.ts'
import type { ParsedMessage } from './parse.ts'
import { replayedElements, type CoveredElements } from './replayed-elements.ts'

export interface ReplayCountDeps extends CoveredElements {
  /** The rejections of an earlier message (`RejectionLog.statusBefore`). */
  statusBefore(origin: number, position: number): RejectionStatus
}

export interface ReplayContext {
  readonly state: IntakeState
  readonly deps: ReplayCountDeps
  readonly outcome: Outcome
}

/**
 * A replay moves its message from rejected to stored, where it was counted when it came; it is not
 * accepted a second time. Each element is recovered by itself: of an array some may stay rejected,
 * and a message that could not be read at all may turn out to have a bad element.
 */
export function countReplay(
  parsed: ParsedMessage,
  judged: JudgedMessage,
  { state, deps, outcome }: ReplayContext,
): void {
  const { message, format } = parsed
  const { readings, refused, duplicates } = judged
  const { origin, position, receivedAtNs } = message
  if (!origin) return
  if (refused.length > 0) outcome.refusedReplays.push({ position, refused })
  const isStored = readings.length > 0 || (refused.length === 0 && duplicates === 0)
  const status = statusNow(origin.position, position, deps, outcome)
  const stillRefused = new Set(refused.map(({ elementIndex }) => elementIndex))
  const wanted = replayedElements(origin, deps)
  const isRead = (isStored || duplicates > 0) && !stillRefused.has(-1)
  const recovered = status.open.filter(
    (elementIndex) =>
      isRead && !stillRefused.has(elementIndex) && (wanted?.has(elementIndex) ?? true),
  )
  const isAgain = !isStored && refused.length > 0 && recovered.length === 0
  outcome.replays.set(position, isStored ? 'recovered' : isAgain ? 'again' : 'duplicate')
  const device = status.device ?? message.device
  const { counts } = touchDevice(state, device)
  // What can be read only now shows its own faults.
  const left = { format, refused: recovered.includes(-1) ? refused : [] }
  const isOpen = status.open.length - recovered.length + left.refused.length > 0
  const moved =
    recovered.length > 0 ? moveOf({ rejected: status.rejected, isStored, isOpen }, counts) : {}
  add(counts, moved, 1)
  outcome.replayed.push({ parsed, judged, device, moved })
  if (recovered.length === 0) return
  const about = { origin: origin.position, position, atNs: receivedAtNs }
  outcome.recovered.push({ ...about, elements: recovered, left })
}

/**
 * The same replays counted again, in their order: with what the store has refused of them. Changes
 * the counts of `state`, and gives what an outcome says of replays.
 */
export function recountReplays(
  outcome: Outcome,
  withRefused: (replay: CountedReplay) => JudgedMessage,
  { state, deps }: Omit<ReplayContext, 'outcome'>,
): Outcome {
  for (const { device, moved } of outcome.replayed)
    add(touchDevice(state, device).counts, moved, -1)
  const again: Outcome = {
    ...outcome,
    recovered: [],
    refusedReplays: [],
    replays: new Map(),
    replayed: [],
  }
  for (const replay of outcome.replayed) {
    countReplay(replay.parsed, withRefused(replay), { state, deps, outcome: again })
  }
  return again
}

/** The rejections of a message, without those that this very batch has recovered already. */
function statusNow(
  origin: number,
  position: number,
  deps: ReplayCountDeps,
  outcome: Outcome,
): RejectionStatus {
  const status = deps.statusBefore(origin, position)
  const recovered = outcome.recovered.filter((other) => other.origin === origin)
  if (recovered.length === 0) return status
  const gone = new Set(recovered.flatMap(({ elements }) => elements))
  const open = gone.has(-1) ? [] : status.open.filter((elementIndex) => !gone.has(elementIndex))
  return { ...status, open, rejected: false }
}

interface Recovered {
  /** The message was counted as rejected until now. */
  readonly rejected: boolean
  /** Something of it is stored: else it is a duplicate. */
  readonly isStored: boolean
  /** Elements of it stay rejected. */
  readonly isOpen: boolean
}

function moveOf({ rejected, isStored, isOpen }: Recovered, { partial }: Counts): Move {
  if (!rejected) return !isOpen && partial > 0 ? { partial: -1 } : {}
  if (!isStored) return { rejected: -1, duplicate: 1 }
  return isOpen ? { rejected: -1, stored: 1, partial: 1 } : { rejected: -1, stored: 1 }
}

function add(counts: Counts, move: Move, times: 1 | -1): void {
  for (const name of ['stored', 'rejected', 'duplicate', 'partial'] as const) {
    counts[name] += times * (move[name] ?? 0)
  }
}
