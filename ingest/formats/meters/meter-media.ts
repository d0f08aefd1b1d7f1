import type { RefusedElement } from '../format.ts'
import type { MeterKind } from './meter.ts'
import { refusal } from '../payload/native-element.ts'
import { show } from '../payload/wording.ts'

/** What each kind of meter may measure, by the names wmbusmeters has for the M-Bus device types. */
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

/** A meter of something else than its device is registered for. */
export function otherMedium(path: string, medium: unknown, kind: MeterKind): RefusedElement {
  const expected = `a medium of ${kind}: ${[...METER_MEDIA[kind]].join(', ')}`
  return refusal(-1, 'kind', { path: [path], expected, got: show(medium) })
}
