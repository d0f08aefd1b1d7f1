import type { RejectionReason } from '#lib/telemetry/rejection.ts'
import type { RefusedElement } from '../format.ts'
import { refusal } from '../payload/native-element.ts'

/** Why a telegram cannot be read, before it is known which elementIndex of a payload it is. */
export interface Problem {
  readonly reason: RejectionReason
  readonly path: readonly (string | number)[]
  readonly expected: string
  readonly got: string
}

export function malformed(path: string, expected: string, got: string): Problem {
  return { reason: 'malformed', path: [path], expected, got }
}

export function isProblem(value: object): value is Problem {
  return 'reason' in value
}

export function refusedFor(elementIndex: number, problem: Problem): RefusedElement {
  return { ...refusal(-1, problem.reason, problem), elementIndex }
}

/** A byte or two as they stand in telegrams. */
export function hexOf(value: number, digits = 2): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
