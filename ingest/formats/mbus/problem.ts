import type { RejectionReason } from '#lib/telemetry/rejection.ts'
import type { RefusedElement } from '../format.ts'
import type { Problem } from '../payload/problem.ts'
import { refusalAt } from '../payload/refusal.ts'

/** Why a telegram cannot be read, before its place in the payload is known. */
export interface TelegramProblem extends Problem {
  readonly reason: RejectionReason
}

/** A fault in a part of the telegram. */
export function malformed(part: string, expected: string, got: string): TelegramProblem {
  return { reason: 'malformed', path: [part], expected, got }
}

export function refusedTelegram(elementIndex: number, problem: TelegramProblem): RefusedElement {
  return refusalAt(elementIndex, problem, problem.reason)
}

/** A byte or two as written in telegrams. */
export function hexOf(value: number, digits = 2): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
