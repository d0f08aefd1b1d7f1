import { heatCoefficient } from '#lib/kpi/heat/heat-coefficient.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import { numberIn } from './number-in.ts'

/** The energy a register counted, and the energy expected from power or water in that time. */
export interface Balance {
  readonly counted: number
  readonly expectedKwh: number
}

/** Between readings further apart the power may have been anything. */
const MAX_GAP_H = 2
/** With so many steps of both registers the last digit matters less than the tolerance. */
const MIN_STEPS = 16

/** By the mean power of each two readings; null where there are too few. */
export function balanceByPower(readings: readonly ReadingRow[]): Balance | null {
  return balance(readings, (from, to, hours) => {
    const before = numberIn(from.fields, 'powerKw')
    const after = numberIn(to.fields, 'powerKw')
    return before === null || after === null ? null : ((before + after) / 2) * hours
  })
}

/** By the volume of water and how much it cooled (EN 1434); null where there is too little. */
export function balanceByWater(
  readings: readonly ReadingRow[],
  flowSensor: 'flow' | 'return',
): Balance | null {
  return balance(readings, (from, to) => {
    const before = numberIn(from.fields, 'volumeM3')
    const after = numberIn(to.fields, 'volumeM3')
    const tFlowC = numberIn(to.fields, 'tFlowC')
    const tReturnC = numberIn(to.fields, 'tReturnC')
    if (before === null || after === null || tFlowC === null || tReturnC === null) return null
    const coefficient = heatCoefficient({ tFlowC, tReturnC, flowSensor })
    return coefficient === null ? null : (after - before) * (tFlowC - tReturnC) * coefficient
  })
}

type Expect = (from: ReadingRow, to: ReadingRow, hours: number) => number | null

function balance(readings: readonly ReadingRow[], expect: Expect): Balance | null {
  let energySteps = 0
  let expectedSteps = 0
  let counted = 0
  let expectedKwh = 0
  let from: ReadingRow | null = null
  for (const to of readings) {
    const after = numberIn(to.fields, 'energyKwh')
    if (after === null) continue
    const before = from ? numberIn(from.fields, 'energyKwh') : null
    const hours = from ? Number(to.timeNs - from.timeNs) / 3.6e12 : 0
    const expected = from && hours <= MAX_GAP_H ? expect(from, to, hours) : null
    from = to
    if (before === null || expected === null || after < before) continue
    if (after > before) energySteps += 1
    if (expected > 0) expectedSteps += 1
    counted += after - before
    expectedKwh += expected
  }
  const isEnough = Math.min(energySteps, expectedSteps) >= MIN_STEPS
  return isEnough && expectedKwh > 0 ? { counted, expectedKwh } : null
}
