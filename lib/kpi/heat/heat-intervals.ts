import type { Span } from '#lib/telemetry/span.ts'
import { kwhOfJoules } from './energy-unit.ts'
import {
  RegisterJudge,
  type FindingFlag,
  type IntervalReason,
  type Judged,
  type Step,
} from './register-judge.ts'
import { registerRules, type RegisterMeter, type RegisterRules } from './register-meter.ts'
import {
  hasRegister,
  registerMoments,
  type RegisterMoment,
  type RegisterReading,
} from './register-moments.ts'

/*
 * Heat from the register of one measuring point (docs/domain.md 3.5): the time between the first
 * and the last usable reading is cut at each reading, and each piece gets the difference of the
 * register, or null where no difference can be trusted. Never summed power, never a negative
 * energy, and never one that the meter could not have measured.
 *
 * The result is a function of the set of readings: the order of arrival and copies do not matter.
 */

export type IntervalKind =
  /** The energy is the difference of two registers that are near to one another. */
  | 'measured'
  /** The energy is known as a whole, its distribution over the interval is not. */
  | 'bridged'
  /** No energy is known: the register before and the one after do not belong together. */
  | 'missing'
  /** The meter says that it did not measure, and its register stood still. */
  | 'excluded'

export interface HeatInterval extends Span {
  /** Never negative; null where it is not known. */
  readonly energyJ: bigint | null
  readonly kind: IntervalKind
  readonly reason: IntervalReason | null
}

/** What is wrong with one reading. */
export interface RegisterFinding {
  readonly timeNs: bigint
  readonly energyKwh: number
  readonly meterId: string | null
  readonly flag: FindingFlag
  /** Whether the figures rest on it all the same: the first reading of a new level does. */
  readonly isUsed: boolean
}

export interface HeatIntervals {
  /** In the order of time, each beginning where the one before ends. */
  readonly intervals: readonly HeatInterval[]
  readonly findings: readonly RegisterFinding[]
}

/**
 * The intervals of one measuring point from readings in any order, with copies
 * (docs/domain.md 3.5). Give the readings from well before to well after the span: an
 * interval needs both its ends, and the very first reading is believed.
 */
export function heatIntervals(
  readings: readonly RegisterReading[],
  meter: RegisterMeter,
): HeatIntervals {
  const rules = registerRules(meter)
  const moments = registerMoments(readings)
  const intervals: HeatInterval[] = []
  const findings = unusable(readings)
  const judge = new RegisterJudge(rules)
  let hasLeftOut = false
  const take = ({ base, moment, step }: Judged) => {
    if (step.flag) findings.push(findingOf(moment, step))
    if (step.base) intervals.push(intervalOf({ base, end: step.base, step, hasLeftOut, rules }))
    hasLeftOut = !step.base
  }
  for (const moment of moments) judge.push(moment, take)
  judge.end(take)
  return { intervals, findings: findings.toSorted(byTime) }
}

/** Findings on readings without a register, each once however often it came. */
function unusable(readings: readonly RegisterReading[]): RegisterFinding[] {
  const findings = new Map<string, RegisterFinding>()
  for (const reading of readings) {
    if (hasRegister(reading)) continue
    const { timeNs, energyKwh, meterId } = reading
    const key = `${timeNs} ${energyKwh} ${JSON.stringify(meterId)}`
    findings.set(key, { timeNs, energyKwh, meterId, flag: 'out_of_range', isUsed: false })
  }
  return [...findings.values()]
}

interface Closed {
  readonly base: RegisterMoment
  readonly end: RegisterMoment
  readonly step: Step
  readonly hasLeftOut: boolean
  readonly rules: RegisterRules
}

function intervalOf({ base, end, step, hasLeftOut, rules }: Closed): HeatInterval {
  const { energyJ, reason } = step
  const span = { fromNs: base.timeNs, toNs: end.timeNs }
  if (energyJ === null) return { ...span, energyJ, kind: 'missing', reason }
  if (energyJ === 0n && (base.isFaulty || end.isFaulty)) {
    return { ...span, energyJ: null, kind: 'excluded', reason: 'sensor_error' }
  }
  if (base.sensorError || end.sensorError) {
    // What the register gained is heat all the same; how much was not counted is not known.
    return { ...span, energyJ, kind: 'bridged', reason: reason ?? 'sensor_error' }
  }
  if (span.toNs - span.fromNs <= rules.maxIntervalNs) {
    return { ...span, energyJ, kind: 'measured', reason }
  }
  const why = hasLeftOut ? 'implausible_jump' : 'gap'
  return { ...span, energyJ, kind: 'bridged', reason: reason ?? why }
}

function findingOf({ timeNs, energyJ, meterId }: RegisterMoment, step: Step): RegisterFinding {
  const energyKwh = kwhOfJoules(energyJ)
  // Only called for steps with a flag.
  return { timeNs, energyKwh, meterId, flag: step.flag!, isUsed: step.base !== null }
}

/** In full, so that the order of the input never shows; as text, for NaN has no order. */
function byTime(a: RegisterFinding, b: RegisterFinding): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1
  const [keyA, keyB] = [a, b].map(({ energyKwh, meterId }) => `${energyKwh} ${meterId}`)
  return (keyA ?? '').localeCompare(keyB ?? '')
}
