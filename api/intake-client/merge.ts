import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClockRow, DeliveryRow, IngestStatus, LastValue } from '#lib/telemetry/questions.ts'

/** The latest by the clock of the device, as one intake would keep it. */
export function mergeLastValues(answers: readonly (readonly LastValue[])[]): LastValue[] {
  const latest = new Map<string, LastValue>()
  for (const value of answers.flat()) {
    const key = `${value.device} ${value.kind} ${value.channel}`
    const known = latest.get(key)
    if (!known || value.timeNs > known.timeNs) latest.set(key, value)
  }
  return [...latest.values()]
}

/** The latest measurement of each clock. */
export function mergeClocks(answers: readonly (readonly ClockRow[])[]): ClockRow[] {
  const latest = new Map<FullId, ClockRow>()
  for (const row of answers.flat()) {
    const known = latest.get(row.device)
    if (!known || row.measuredAtNs > known.measuredAtNs) latest.set(row.device, row)
  }
  return [...latest.values()]
}

const SUMS = [
  'accepted',
  'stored',
  'rejected',
  'duplicate',
  'pending',
  'late',
  'partial',
  'commands',
] as const satisfies readonly (keyof DeliveryRow)[]

/**
 * Sums over the intakes. Where a device's messages went to more than one of them, each has seen gaps
 * that the others know to be none: how many were lost is not known here, /kpi/loss asks the store.
 */
export function mergeDelivery(answers: readonly (readonly DeliveryRow[])[]): DeliveryRow[] {
  const sums = new Map<FullId, DeliveryRow>()
  for (const row of answers.flat()) {
    const known = sums.get(row.device)
    sums.set(row.device, known ? sumOf(known, row) : row)
  }
  return [...sums.values()].toSorted((a, b) => (a.device < b.device ? -1 : 1))
}

function sumOf(a: DeliveryRow, b: DeliveryRow): DeliveryRow {
  const sums = Object.fromEntries(SUMS.map((name) => [name, a[name] + b[name]]))
  const lost = a.accepted === 0 ? b.lost : b.accepted === 0 ? a.lost : null
  return { ...a, ...sums, lost }
}

/** The worst lag, all messages that wait, and every problem. Positions of several journals are no number. */
export function mergeStatus(answers: readonly IngestStatus[]): IngestStatus {
  const sum = (read: (one: IngestStatus) => number) => answers.reduce((n, one) => n + read(one), 0)
  return {
    journal: answers.map(({ journal }) => journal).join(' '),
    durable: sum(({ durable }) => durable),
    written: sum(({ written }) => written),
    lagMessages: sum(({ lagMessages }) => lagMessages),
    lagMs: Math.max(0, ...answers.map(({ lagMs }) => lagMs)),
    problems: answers.flatMap(({ problems }) => problems),
  }
}
