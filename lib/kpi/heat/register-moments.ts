import type { Flag } from '#lib/telemetry/flags.ts'
import { joulesOfKwh } from './energy-unit.ts'

/** One reading of the energy register of a measuring point. */
export interface RegisterReading {
  /** Unix ns. */
  readonly timeNs: bigint
  /** Total since installation, kWh. */
  readonly energyKwh: number
  /** Which meter hung at the point; null where the message does not say. */
  readonly meterId: string | null
  readonly flags: readonly Flag[]
  /** Text of the meter: nothing and `OK` mean that it measures. */
  readonly status?: string | null | undefined
  readonly operatingHoursH?: number | null | undefined
}

/** What the readings of one meter with one register value at one time say together. */
export interface RegisterMoment {
  readonly timeNs: bigint
  readonly energyJ: bigint
  readonly meterId: string | null
  /** The meter reports a fault: a register that does not move proves nothing then. */
  readonly isFaulty: boolean
  /** It is more than a battery: what the register gains may not be all (docs/domain.md 3.4). */
  readonly sensorError: boolean
  /** The time is that of the reception: the register may be older. */
  readonly clockInvalid: boolean
  readonly operatingHoursH: number | null
}

/**
 * Readings in any order, with duplicates, as moments in the order of time. Readings without a
 * usable register (negative, not a number) are not among them. Of two meters at one time the one
 * that hung there before comes first: so an operator enters the end and the start of an exchange.
 */
export function registerMoments(readings: Iterable<RegisterReading>): RegisterMoment[] {
  const sorted = [...readings]
    .map(momentOf)
    .filter((moment) => moment !== null)
    .toSorted(inTime)
  const moments: RegisterMoment[] = []
  for (const moment of sorted) {
    const before = moments.at(-1)
    if (before && inTime(before, moment) === 0) moments.splice(-1, 1, together(before, moment))
    else moments.push(moment)
  }
  return outgoingMeterFirst(moments)
}

/** Whether a reading can be used at all: a register is a number from zero on. */
export function hasRegister({ energyKwh }: RegisterReading): boolean {
  return energyKwh >= 0 && joulesOfKwh(energyKwh) !== null
}

/** Two meters are distinguished only where both are named. */
export function isSameMeter(a: string | null, b: string | null): boolean {
  return a === null || b === null || a === b
}

function momentOf(reading: RegisterReading): RegisterMoment | null {
  const energyJ = joulesOfKwh(reading.energyKwh)
  if (energyJ === null || !hasRegister(reading)) return null
  const { timeNs, meterId, flags, status, operatingHoursH } = reading
  return {
    timeNs,
    energyJ,
    meterId,
    ...faultOf(flags, status ?? ''),
    clockInvalid: flags.includes('clock_invalid'),
    operatingHoursH: operatingHoursH ?? null,
  }
}

/** States with which a meter goes on counting. */
const COUNTS_ON = new Set(['LOW_BATTERY', 'BATTERY_LOW', 'POWER_LOW'])

/** The text is more exact than the flag, which is set for any text but OK. */
function faultOf(flags: readonly Flag[], status: string) {
  const words = status.toUpperCase().split(/[\s,;]+/)
  const faults = words.filter((word) => word !== '' && word !== 'OK')
  const isFlagged = flags.includes('sensor_error')
  return {
    isFaulty: isFlagged || faults.length > 0,
    sensorError: faults.some((word) => !COUNTS_ON.has(word)) || (isFlagged && faults.length === 0),
  }
}

/** Copies may differ in their flags: the result must not depend on which one came first. */
function together(a: RegisterMoment, b: RegisterMoment): RegisterMoment {
  const [hoursA, hoursB] = [a.operatingHoursH, b.operatingHoursH]
  return {
    ...a,
    isFaulty: a.isFaulty || b.isFaulty,
    sensorError: a.sensorError || b.sensorError,
    clockInvalid: a.clockInvalid && b.clockInvalid,
    operatingHoursH:
      hoursA === null || hoursB === null ? (hoursA ?? hoursB) : Math.max(hoursA, hoursB),
  }
}

/** Copies, and only they, are equal; no meter comes before every named one. */
function inTime(a: RegisterMoment, b: RegisterMoment): number {
  return (
    compare(a.timeNs, b.timeNs) ||
    compare(a.meterId === null ? '' : `#${a.meterId}`, b.meterId === null ? '' : `#${b.meterId}`) ||
    compare(a.energyJ, b.energyJ)
  )
}

function compare<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function outgoingMeterFirst(sorted: readonly RegisterMoment[]): RegisterMoment[] {
  const ordered: RegisterMoment[] = []
  let meterId: string | null = null
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const { timeNs } = sorted[from]!
    while (sorted[to]?.timeNs === timeNs) to += 1
    const together = sorted.slice(from, to)
    const before = together.filter((moment) => isSameMeter(meterId, moment.meterId))
    const after = together.filter((moment) => !isSameMeter(meterId, moment.meterId))
    ordered.push(...before, ...after)
    meterId = ordered.at(-1)?.meterId ?? meterId
  }
  return ordered
}
