import { parseDeviceTime, type TimeProblem } from '#lib/telemetry/time.ts'
import { show } from '../payload/reason.ts'
import { readStatedTime, type StatedTime } from '../payload/stated-time.ts'

/** Clocks of the meters themselves, as drivers name them: local, without a zone. */
const METER_CLOCKS = ['meter_datetime', 'device_datetime', 'device_date_time']

/** Drivers print 1111-11-11T11:11:11Z where they have no time. */
const PLACEHOLDER = '1111-11-11'

export interface Zones {
  /** From the settings of the device; null when they name none. */
  readonly own: string | null
  /** The zone of the platform. */
  readonly platform: string
}

/**
 * The time of a telegram. `timestamp` is when the gateway received it, by a clock that is set over
 * the network, and a meter sends the current values of its registers; `meter_datetime` comes from a
 * clock that drifts by minutes over the years, in a zone it does not name. So the gateway's time is
 * that of the reading, and the meter's is used only where the other is missing.
 */
export function timeOf(
  telegram: Readonly<Record<string, unknown>>,
  { own, platform }: Zones,
): (StatedTime | TimeProblem) & { readonly path: string } {
  const { timestamp } = telegram
  if (isGiven(timestamp)) {
    // Some add-ons write Unix time.
    const timeNs = typeof timestamp === 'number' ? parseDeviceTime(timestamp) : null
    if (typeof timeNs === 'bigint') return { path: 'timestamp', timeNs, flags: 0 }
    const time = readStatedTime(timestamp, own)
    return { path: 'timestamp', ...time }
  }
  for (const name of METER_CLOCKS) {
    if (!isGiven(telegram[name])) continue
    const time = readStatedTime(telegram[name], own ?? platform)
    // Meters without a set clock print such dates as 2000-00-00.
    if (!('expected' in time)) return { path: name, ...time }
  }
  const expected = 'the time of the telegram (UTC), or meter_datetime'
  return { path: 'timestamp', expected, got: whatCame(telegram) }
}

/** The first of the times that is there at all, with its name where that is another one. */
function whatCame(telegram: Readonly<Record<string, unknown>>): string {
  const name = ['timestamp', ...METER_CLOCKS].find((one) => isText(telegram[one]))
  if (name === undefined) return 'nothing'
  const got = show(telegram[name])
  return name === 'timestamp' ? got : `${name} ${got}`
}

function isText(time: unknown): boolean {
  return typeof time === 'string' && time !== ''
}

function isGiven(time: unknown): boolean {
  if (time === undefined || time === null || time === '') return false
  return !(typeof time === 'string' && time.startsWith(PLACEHOLDER))
}
