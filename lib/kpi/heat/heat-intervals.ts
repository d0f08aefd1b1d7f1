import type { Flag } from '#lib/telemetry/flags.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { kwhOfJoules } from './energy-unit.ts'
import {
  isFall,
  isOtherMeter,
  isPlausible,
  limitJ,
  registerRules,
  type RegisterMeter,
  type RegisterRules,
} from './register-meter.ts'
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

export type IntervalReason =
  | 'gap'
  | 'rollover'
  | 'register_reset'
  | 'meter_changed'
  | 'implausible_jump'
  | 'sensor_error'

export interface HeatInterval extends Span {
  /** Never negative; null where it is not known. */
  readonly energyJ: bigint | null
  readonly kind: IntervalKind
  readonly reason: IntervalReason | null
}

type FindingFlag = Extract<
  Flag,
  'implausible_jump' | 'duplicate_time' | 'out_of_range' | 'clock_invalid'
>

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

/** Readings in a row that show a new level, when none of them fits the old one. */
const LEVEL_READINGS = 3

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
  let base = moments[0]
  let hasLeftOut = false
  for (let at = 1; base && at < moments.length; at += 1) {
    // `at` is below the length.
    const moment = moments[at]!
    const step = judge({
      base,
      moment,
      later: moments.slice(at + 1, at + 1 + LEVEL_READINGS),
      rules,
    })
    if (step.flag) findings.push(findingOf(moment, step))
    if (step.base) {
      intervals.push(intervalOf({ base, end: step.base, step, hasLeftOut, rules }))
      base = step.reason === 'meter_changed' ? step.base : inherit(step.base, base)
    }
    hasLeftOut = !step.base
  }
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

/** What a moment means after the last one that counted. */
interface Step {
  /** What the next moment is compared with; null: this moment is left out. */
  readonly base: RegisterMoment | null
  readonly energyJ: bigint | null
  readonly reason: IntervalReason | null
  readonly flag: FindingFlag | null
}

interface Case {
  readonly base: RegisterMoment
  readonly moment: RegisterMoment
  /** The next moments, to tell a wrong reading from a register that goes on elsewhere. */
  readonly later: readonly RegisterMoment[]
  readonly rules: RegisterRules
}

function judge(judged: Case): Step {
  const { base, moment, rules } = judged
  if (isOtherMeter(base, moment)) return newStart(moment, 'meter_changed')
  if (moment.timeNs === base.timeNs) return leaveOut('duplicate_time')
  if (isFall(base, moment, rules)) return judgeFall(judged)
  if (!isPlausible(base, moment, rules)) {
    if (!isNewLevel(judged)) return leaveOut('implausible_jump')
    return { ...newStart(moment, 'implausible_jump'), flag: 'implausible_jump' }
  }
  if (isSpike(judged)) return leaveOut('implausible_jump')
  const energyJ = moment.energyJ - base.energyJ
  // After a fall by rounding the register stays at its highest, so that nothing counts twice.
  return energyJ < 0n ? count({ ...moment, energyJ: base.energyJ }, 0n) : count(moment, energyJ)
}

function judgeFall({ base, moment, later, rules }: Case): Step {
  const { modulusJ, isPowerKnown } = rules
  const rolledJ = modulusJ === null ? -1n : modulusJ - base.energyJ + moment.energyJ
  if (isPowerKnown && rolledJ >= 0n && rolledJ <= limitJ(base, moment, rules)) {
    return { ...count(moment, rolledJ), reason: 'rollover' }
  }
  // A register at the time of its reception may be an old one that was waiting on the way.
  if (moment.clockInvalid) return leaveOut('clock_invalid')
  const back = later.find(
    (next) =>
      !isOtherMeter(base, next) &&
      isPlausible(base, next, rules) &&
      !(isPowerKnown && isPlausible(moment, next, rules)),
  )
  // The register was never down: it reads on from before, and cannot have come from here.
  if (back) return leaveOut(moment.timeNs === back.timeNs ? 'duplicate_time' : 'implausible_jump')
  return newStart(moment, 'register_reset')
}

/**
 * Whether a jump is to a level at which the register goes on. Without this the first reading after
 * enough time would close the interval and count the whole jump as heat.
 */
function isNewLevel({ base, moment, later, rules }: Case): boolean {
  const level = [moment, ...later].slice(0, LEVEL_READINGS)
  return (
    level.length === LEVEL_READINGS &&
    level.every((reading, at) => {
      if (isOtherMeter(base, reading) || isPlausible(base, reading, rules)) return false
      const before = level[at - 1]
      return !before || isPlausible(before, reading, rules)
    })
  )
}

/**
 * Whether a possible rise is taken back: the register soon goes on from its old level, and does not
 * return to this one. Evidence that needs no setting: whatever the power of the meter, a register
 * that was really there would have to be reset to just where it was.
 */
function isSpike({ base, moment, later, rules }: Case): boolean {
  const at = later.findIndex((next) => isTakenBack(next))
  const next = later[at]
  if (!next) return false
  const after = later[at + 1]
  return !after || isOtherMeter(base, after) || !isPlausible(moment, after, rules)

  function isTakenBack(one: RegisterMoment): boolean {
    const isEvidence = !one.clockInvalid && one.timeNs > moment.timeNs && !isOtherMeter(base, one)
    return isEvidence && isFall(moment, one, rules) && isPlausible(base, one, rules)
  }
}

function count(base: RegisterMoment, energyJ: bigint): Step {
  return { base, energyJ, reason: null, flag: null }
}

function newStart(base: RegisterMoment, reason: IntervalReason): Step {
  return { base, energyJ: null, reason, flag: null }
}

function leaveOut(flag: FindingFlag): Step {
  return { base: null, energyJ: null, reason: null, flag }
}

/** A reading that does not name its meter is of the one that was there. */
function inherit(moment: RegisterMoment, before: RegisterMoment): RegisterMoment {
  const { meterId, operatingHoursH } = before
  return {
    ...moment,
    meterId: moment.meterId ?? meterId,
    operatingHoursH: moment.operatingHoursH ?? operatingHoursH,
  }
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
