import { readFileSync } from 'node:fs'
import { messageOf } from '#lib/runtime/errors.ts'
import { RefusedError } from '#lib/runtime/command.ts'
import { cicv5g } from './cicv5g.ts'
import { fmsTruck } from './fms-truck.ts'
import { heatMeterHours } from './heat-meter-hours.ts'
import type { Row, TraceFormat, TraceReading } from './trace-format.ts'
import { truckSpeed } from './truck-speed.ts'

const FORMATS: readonly TraceFormat[] = [cicv5g, fmsTruck, truckSpeed, heatMeterHours]

export interface Trace {
  readonly format: TraceFormat
  readonly readings: readonly TraceReading[]
}

/** Throws `RefusedError` for a file that is not there or of no known kind. */
export function readTrace(path: string): Trace {
  const text = textOf(path)
  const [head = '', ...lines] = text.trim().split(/\r?\n/)
  const names = head.split(',')
  const format = FORMATS.find(({ columns }) => columns.every((name) => names.includes(name)))
  if (!format) {
    const known = FORMATS.map(({ name, columns }) => `${name} (${columns.join(',')})`).join('; ')
    throw new RefusedError(`${path}: expected the columns of ${known}; got ${head.slice(0, 120)}`)
  }
  const rows = lines.map((line): Row => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']))
  })
  const readings = format.read(rows)
  if (readings.length > 0) return { format, readings }
  throw new RefusedError(`${path}: expected rows of ${format.name}, got none`)
}

export interface Timing {
  /** Factor of real time; null for as fast as acknowledgements allow. */
  readonly speed: number | null
  readonly keepTimes: boolean
  readonly startMs: number
}

/** When each reading goes out after the start, and the device time it carries. */
export function timetable(
  readings: readonly TraceReading[],
  { speed, keepTimes, startMs }: Timing,
): { readonly afterMs: number; readonly tsMs: number }[] {
  const firstMs = readings[0]?.atMs ?? 0
  const lastMs = readings.at(-1)?.atMs ?? 0
  const paced = (ms: number) => (speed === null ? 0 : ms / speed)
  // The last row is of the moment at which it is sent; the others keep their distance to it.
  const shiftMs = keepTimes ? 0 : startMs + paced(lastMs - firstMs) - lastMs
  return readings.map(({ atMs }) => ({
    afterMs: paced(atMs - firstMs),
    tsMs: Math.round(atMs + shiftMs),
  }))
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RefusedError(`--trace ${path}: expected a readable file, got: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
