import type { RefusedElement } from '../format.ts'
import { show } from '../payload/reason.ts'
import { refusal } from '../payload/refusal.ts'
import type { MeterKind } from './meter.ts'

/**
 * The media that each kind of meter may measure, by the names wmbusmeters has for M-Bus device
 * types.
 */
export const METER_MEDIA: Readonly<Record<MeterKind, ReadonlySet<string>>> = {
  heat_meter: new Set([
    'heat',
    'heat volume at inlet',
    'heat/cooling load',
    'cooling load volume at outlet',
    'cooling load volume at inlet',
  ]),
  energy_meter: new Set(['electricity']),
}

/** A refusal of a meter that measures another medium than its device is registered for. */
export function otherMedium(path: string, medium: unknown, kind: MeterKind): RefusedElement {
  const expected = `a medium of ${kind}: ${[...METER_MEDIA[kind]].join(', ')}`
  return refusal(-1, 'kind', { path: [path], expected, got: show(medium) })
}
