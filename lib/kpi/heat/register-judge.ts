import type { Flag } from '#lib/telemetry/flags.ts'
import { isFall, isOtherMeter, isPlausible, limitJ, type RegisterRules } from './register-meter.ts'
import type { RegisterMoment } from './register-moments.ts'

/*
 * What each reading of a register means after the ones before it and with the few after it
 * (docs/domain.md 3.5). The readings come one by one in the order of time, so that a long series
 * needs no more memory than a short one.
 */

export type IntervalReason =
  | 'gap'
  | 'rollover'
  | 'register_reset'
  | 'meter_changed'
  | 'implausible_jump'
  | 'sensor_error'

export type FindingFlag = Extract<
  Flag,
  'implausible_jump' | 'duplicate_time' | 'out_of_range' | 'clock_invalid'
>

/** Readings in a row that show a new level, when none of them fits the old one. */
const LEVEL_READINGS = 3

/** What a moment means after the last one that counted. */
export interface Step {
  /** What the next moment is compared with; null: this moment is left out. */
  readonly base: RegisterMoment | null
  readonly energyJ: bigint | null
  readonly reason: IntervalReason | null
  readonly flag: FindingFlag | null
}

export interface Judged {
  readonly base: RegisterMoment
  readonly moment: RegisterMoment
  readonly step: Step
}

export class RegisterJudge {
  readonly #rules: RegisterRules
  #base: RegisterMoment | null = null
  /** Not judged yet: what comes after them is not known. */
  readonly #waiting: RegisterMoment[] = []

  constructor(rules: RegisterRules) {
    this.#rules = rules
  }

  /** The next moment in the order of time; `take` gets the one that can be judged with it. */
  push(moment: RegisterMoment, take: (judged: Judged) => void): void {
    this.#waiting.push(moment)
    if (this.#waiting.length > LEVEL_READINGS) this.#judgeNext(take)
  }

  /** There are no more moments. */
  end(take: (judged: Judged) => void): void {
    while (this.#waiting.length > 0) this.#judgeNext(take)
  }

  #judgeNext(take: (judged: Judged) => void): void {
    const moment = this.#waiting.shift()
    const base = this.#base
    // The very first is believed.
    if (!moment || !base) {
      this.#base = moment ?? null
      return
    }
    const step = judge({ base, moment, later: this.#waiting, rules: this.#rules })
    take({ base, moment, step })
    if (!step.base) return
    this.#base = step.reason === 'meter_changed' ? step.base : inherit(step.base, base)
  }
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
