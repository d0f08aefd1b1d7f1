import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { isRecord } from '../payload/problem.ts'

/** A value may be a little above the limit of the data sheet (docs/domain.md 1.5). */
const TOLERANCE = 1.2

/** Limits as 2.x and as 3.0 name them. */
const MAX_SPEED = ['physicalParameters', 'speedMax', 'maximumSpeed'] as const
const MAX_TURN = ['physicalParameters', 'maximumAngularSpeed'] as const
const MAX_LOAD = ['typeSpecification', 'maxLoadMass', 'maximumLoadMass'] as const

type Fields = Readonly<Record<string, FieldValue>>

/**
 * Compares the values of a robot with its data sheet: the setting `factsheet` of the device, as the
 * robot publishes it on the topic of that name, or only the parts with limits. A format keeps
 * nothing between messages, so that the same message is always read in the same way.
 */
export function factsheetFlags(fields: Fields, factsheet: unknown): number {
  if (!isRecord(factsheet)) return 0
  const { vxMps = 0, vyMps = 0, omegaRadps, loadKg } = fields
  const isOver =
    exceeds(Math.hypot(Number(vxMps), Number(vyMps)), limitOf(factsheet, MAX_SPEED)) ||
    exceeds(Math.abs(Number(omegaRadps ?? 0)), limitOf(factsheet, MAX_TURN)) ||
    exceeds(Number(loadKg ?? 0), limitOf(factsheet, MAX_LOAD))
  return isOver ? FLAGS.out_of_range : 0
}

function exceeds(value: number, limit: number | null): boolean {
  return limit !== null && value > limit * TOLERANCE
}

/** Null where there is none; 0 means that nobody filled it in. */
function limitOf(
  factsheet: Readonly<Record<string, unknown>>,
  [part, ...names]: readonly [string, ...string[]],
): number | null {
  const values = factsheet[part]
  if (!isRecord(values)) return null
  const limit = names.map((name) => values[name]).find((one) => typeof one === 'number' && one > 0)
  return typeof limit === 'number' ? limit : null
}
