import { FLAGS } from '#lib/telemetry/flags.ts'

/*
 * Heat is the difference of a register at two moments, so of a quiet cell its first and last row
 * are enough. A cell in which anything happens is given whole, with the rows before and after it:
 * what a fall or a jump means is judged by its neighbours (lib/kpi/heat/heat-intervals.ts).
 */

/** Rows after an event that its judgement may depend on; the rules look at two moments. */
const AFTER_EVENT = 6
/** Rows before a fall that it may take back (lib/kpi/heat/register-judge.ts). */
const BEFORE_EVENT = 4
const NS_PER_H = 3_600_000_000_000
/** What is nearly too steep is too steep: sums of floats are not exact. */
const NEARLY = 0.999999

/** A register as it was read. Zones: 0 before the span, 1 in it, 2 after it. */
export interface Register {
  readonly timeNs: bigint
  readonly position: number
  readonly readingOrdinal: number
  readonly flags: number
  readonly energyKwh: number
  readonly meterId: string | null
  readonly status: string | null
  readonly operatingHoursH: number | null
  readonly zone: 0 | 1 | 2
}

/** Flags that change what a register is taken for. */
const TELLING = FLAGS.clock_invalid | FLAGS.sensor_error | FLAGS.implausible_jump

interface Rules {
  readonly limitKw: number
  readonly stepKwh: number
  readonly cellNs: bigint
}

/** Of the registers of one meter, in order, those that the heat of any bucket of whole cells needs. */
export function thinned(registers: readonly Register[], rules: Rules): Register[] {
  const counted = registers.filter(({ energyKwh }) => energyKwh >= 0)
  const kept = new Set<Register>(firstNegatives(registers, rules.cellNs))
  const touched = touchedBy(counted.map((row, at) => happens(counted[at - 1], row, rules)))
  for (const cell of cellsOf(counted, rules.cellNs)) {
    const [first, last] = [counted[cell.from], counted[cell.to - 1]]
    if (!first || !last) continue
    const isWhole = isSteep(counted.slice(cell.from, cell.to), rules) || touched(cell.from, cell.to)
    const rows = isWhole ? counted.slice(cell.from, cell.to) : [first, last]
    for (const row of rows) kept.add(row)
  }
  return registers.filter((row) => kept.has(row))
}

/** Rows from the event on, as far as its judgement may rest on them. */
function touchedBy(events: readonly boolean[]): (from: number, to: number) => boolean {
  const touched = events.map((_, at) =>
    events.slice(Math.max(0, at - AFTER_EVENT), at + BEFORE_EVENT + 1).some((event) => event),
  )
  return (from, to) => touched.slice(from, to).some((one) => one)
}

interface Cell {
  readonly from: number
  to: number
}

/** Runs of rows of one zone and cell. */
function cellsOf(rows: readonly Register[], cellNs: bigint): Cell[] {
  const cells: Cell[] = []
  let name = ''
  for (const [at, { timeNs, zone }] of rows.entries()) {
    const here = `${zone} ${timeNs / cellNs}`
    const cell = cells.at(-1)
    if (cell && here === name) cell.to = at + 1
    else cells.push({ from: at, to: at + 1 })
    name = here
  }
  return cells
}

function limitKwh(spanNs: bigint, { limitKw, stepKwh }: Rules): number {
  return NEARLY * ((limitKw * Number(spanNs)) / NS_PER_H + stepKwh)
}

/** Whether a cell rises by more than it can, although each of its steps is possible. */
function isSteep(rows: readonly Register[], rules: Rules): boolean {
  const [first, last] = [rows[0], rows.at(-1)]
  if (!first || !last || rows.length < 2) return false
  let [least, most] = [Infinity, -Infinity]
  for (const { energyKwh } of rows) {
    least = Math.min(least, energyKwh)
    most = Math.max(most, energyKwh)
  }
  return most - least >= limitKwh(last.timeNs - first.timeNs, rules)
}

function happens(before: Register | undefined, row: Register, rules: Rules): boolean {
  if (!before) return false
  const hours = [before.operatingHoursH, row.operatingHoursH] as const
  const rise = row.energyKwh - before.energyKwh
  return (
    rise < 0 ||
    rise >= limitKwh(row.timeNs - before.timeNs, rules) ||
    row.timeNs === before.timeNs ||
    row.meterId !== before.meterId ||
    row.status !== before.status ||
    (row.flags & TELLING) !== (before.flags & TELLING) ||
    (hours[0] === null) !== (hours[1] === null) ||
    (hours[0] !== null && hours[1] !== null && hours[1] < hours[0]) ||
    (isFaulty(row) && rise !== 0)
  )
}

function isFaulty({ flags, status }: Register): boolean {
  if ((flags & FLAGS.sensor_error) !== 0) return true
  return !['', 'OK'].includes((status ?? 'OK').trim().toUpperCase())
}

/** A negative register is never counted; one of each cell shows that there were some. */
function firstNegatives(registers: readonly Register[], cellNs: bigint): Register[] {
  const first = new Map<bigint, Register>()
  for (const row of registers) {
    const cell = row.timeNs / cellNs
    if (row.energyKwh < 0 && !first.has(cell)) first.set(cell, row)
  }
  return [...first.values()]
}
