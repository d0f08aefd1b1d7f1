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

/**
 * Media that no kind of meter here measures. A telegram that names one is refused; every other name
 * ("other", "unknown", a radio converter, a repeater, a display) says nothing of what the meter
 * measures, and the registered kind decides.
 */
const OTHER_MEDIA: ReadonlySet<string> = new Set([
  'oil',
  'gas',
  'steam',
  'hot water',
  'warm water',
  'water',
  'cold water',
  'dual register (hot/cold) water meter',
  'waste water',
  'heat cost allocation',
  'heat cost allocator',
  'compressed air',
  'pressure',
  'a/d converter',
  'smoke detector',
  'room sensor',
  'gas detector',
  'garbage',
  'carbon dioxide',
])

/** What a telegram measures, by its own word for it; null where that says nothing. */
export function measuredMedium(name: string): string | null {
  // Drivers add such words as "(30-90°C)" or " (eg temperature or humidity)".
  const plain = OTHER_MEDIA.has(name) ? name : name.replace(/ *\([^)]*\)$/, '')
  if (Object.values(METER_MEDIA).some((media) => media.has(plain))) return plain
  return OTHER_MEDIA.has(plain) ? plain : null
}

/** A refusal of a meter that measures another medium than its device is registered for. */
export function otherMedium(path: string, medium: unknown, kind: MeterKind): RefusedElement {
  const expected = `a medium of ${kind}: ${[...METER_MEDIA[kind]].join(', ')}`
  return refusal(-1, 'kind', { path: [path], expected, got: show(medium) })
}
