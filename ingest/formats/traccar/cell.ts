import type { Radio } from '#lib/telemetry/radio.ts'
import { isRecord } from '../payload/problem.ts'
import { operatorOf, radioFrom } from '../trucks/radio-cell.ts'

/**
 * The serving cell, the first of the list. `signalStrength` differs between trackers and is no
 * RSRP.
 */
export function radioOf(network: unknown): Radio | null {
  const towers = isRecord(network) ? network['cellTowers'] : null
  const tower: unknown = Array.isArray(towers) ? towers[0] : null
  if (!isRecord(tower)) return null
  const { radioType, cellId, mobileCountryCode, mobileNetworkCode } = tower
  return radioFrom({
    isLte: radioType === 'lte',
    cell: numberOrNull(cellId),
    operator: operatorOf(numberOrNull(mobileCountryCode), numberOrNull(mobileNetworkCode)),
  })
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
