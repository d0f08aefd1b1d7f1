import type { Radio } from '#lib/telemetry/radio.ts'
import { operatorOf, radioFrom } from '../payload/cell.ts'
import { isRecord } from '../payload/native-element.ts'

/**
 * The serving cell, the first of the list. `signalStrength` is what each tracker calls so: no RSRP.
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
