import { ENERGY_UNITS_J, isEnergyUnit, type EnergyUnit } from './energy-unit.ts'
import { isSameMeter, type RegisterMoment } from './register-moments.ts'

/** What is known of a meter. Everything may be missing; the rules then require less. */
export interface RegisterMeter {
  /** Largest possible power, kW. Without it only the impossible is found (`ANY_POWER_KW`). */
  readonly maxPowerKw?: number | null | undefined
  /** Digits before the decimal sign: the register goes on from 0 after 10^digits units. */
  readonly registerDigits?: number | null | undefined
  /** Unit of the register as the meter shows it; kWh where it is unknown. */
  readonly energyUnit?: EnergyUnit | null | undefined
  /** Smallest step of the register, in its unit; `USUAL_STEP` where it is unknown. */
  readonly registerStep?: number | null | undefined
  /** Readings further apart than this leave a gap; `MAX_INTERVAL_NS` where it is unknown. */
  readonly maxIntervalNs?: bigint | null | undefined
}

/** 90 minutes: between one hourly reading that comes a little late and one that is lost. */
const MAX_INTERVAL_NS = 5_400_000_000_000n

/** Largest power the catalogue of kinds lets a heat meter show, kW. */
const ANY_POWER_KW = 100_000

/**
 * Steps of registers as they are usual (docs/domain.md 3.5), in their unit; coarser ones must say
 * so.
 */
const USUAL_STEP: Readonly<Record<EnergyUnit, number>> = {
  Wh: 1,
  kWh: 1,
  MWh: 0.001,
  GWh: 0.001,
  MJ: 1,
  GJ: 0.001,
  Gcal: 0.001,
}

/** Operating hours are shown in whole hours; a fall of more is another meter. */
const HOURS_TOLERANCE_H = 1

/**
 * What the `settings` of a device say of its register. A value that cannot be (a power of 0, half
 * a digit, an unknown unit) counts as unknown: a wrong setting must not stop the figures.
 */
export function registerMeterOf(settings: Readonly<Record<string, unknown>>): RegisterMeter {
  const { maxPowerKw, registerDigits, energyUnit, registerStep } = settings
  return {
    maxPowerKw: isPositive(maxPowerKw) ? maxPowerKw : null,
    registerDigits:
      isPositive(registerDigits) && Number.isInteger(registerDigits) && registerDigits <= MAX_DIGITS
        ? registerDigits
        : null,
    energyUnit: isEnergyUnit(energyUnit) ? energyUnit : null,
    registerStep: isPositive(registerStep) ? registerStep : null,
  }
}

/** More than any register has; 10^15 Wh is beyond what the catalogue of kinds takes. */
const MAX_DIGITS = 15

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < Infinity
}

/** The settings of a meter as the rules use them. */
export interface RegisterRules {
  readonly isPowerKnown: boolean
  /** P_max * 1.2 in W. */
  readonly limitW: bigint
  readonly stepJ: bigint
  /** Where the register goes on from 0; null where that is not known. */
  readonly modulusJ: bigint | null
  readonly maxIntervalNs: bigint
}

export function registerRules(meter: RegisterMeter): RegisterRules {
  const { maxPowerKw, registerDigits, maxIntervalNs } = meter
  const unitJ = ENERGY_UNITS_J[meter.energyUnit ?? 'kWh']
  return {
    isPowerKnown: typeof maxPowerKw === 'number',
    limitW: BigInt(Math.round((maxPowerKw ?? ANY_POWER_KW) * 1200)),
    stepJ: registerStepJ(meter),
    modulusJ: typeof registerDigits === 'number' ? 10n ** BigInt(registerDigits) * unitJ : null,
    maxIntervalNs: maxIntervalNs ?? MAX_INTERVAL_NS,
  }
}

/** One step of the register in J: every difference of two registers is true within it. */
export function registerStepJ(meter: RegisterMeter): bigint {
  const unit = meter.energyUnit ?? 'kWh'
  return BigInt(Math.round(Number(ENERGY_UNITS_J[unit]) * (meter.registerStep ?? USUAL_STEP[unit])))
}

/**
 * The most a register can rise between two moments, J: P_max * dt * 1.2 (docs/domain.md 3.5) and
 * one step, because a coarse register may take its step at any moment.
 */
export function limitJ(from: RegisterMoment, to: RegisterMoment, rules: RegisterRules): bigint {
  return (rules.limitW * (to.timeNs - from.timeNs)) / 1_000_000_000n + rules.stepJ
}

/** Less than half a step of fall is rounding on the way, not a fall. */
export function isFall(from: RegisterMoment, to: RegisterMoment, rules: RegisterRules): boolean {
  return (from.energyJ - to.energyJ) * 2n >= rules.stepJ && to.energyJ < from.energyJ
}

/** Whether the register can have gone from one moment to the other. */
export function isPlausible(
  from: RegisterMoment,
  to: RegisterMoment,
  rules: RegisterRules,
): boolean {
  return !isFall(from, to, rules) && to.energyJ - from.energyJ <= limitJ(from, to, rules)
}

/** Another id; or fewer operating hours, where no exchange was reported. */
export function isOtherMeter(from: RegisterMoment, to: RegisterMoment): boolean {
  if (!isSameMeter(from.meterId, to.meterId)) return true
  if (from.operatingHoursH === null || to.operatingHoursH === null) return false
  return from.operatingHoursH - to.operatingHoursH > HOURS_TOLERANCE_H && !to.clockInvalid
}
