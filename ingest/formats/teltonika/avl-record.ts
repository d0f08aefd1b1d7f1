import type { Device } from '#lib/registry/registry.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { ParsedElement, RefusedElement } from '../format.ts'
import { radioOf } from './avl-cell.ts'
import { KNOWN_IDS, NO_SENSOR, RECORD_FIELDS } from './avl-fields.ts'
import { mappedFields, type MappedFields } from '../trucks/mapped-fields.ts'
import { withoutFix } from '../trucks/no-fix.ts'
import type { Problem, Values } from '../payload/problem.ts'
import { refusalAt } from '../payload/refusal.ts'
import { takeFields } from '../trucks/source-fields.ts'
import { truckElement } from '../trucks/truck-element.ts'

/** A record of a Teltonika tracker, in whichever codec it came. */
export interface AvlRecord extends Pick<
  ParsedElement,
  'elementIndex' | 'timeNs' | 'timePath' | 'hash'
> {
  /** `alt`, `ang`, `sat`, `sp`, and the values by their AVL id. */
  readonly values: Values
  readonly position: { readonly lat: number; readonly lon: number } | null
  readonly path: readonly PropertyKey[]
}

const SETTING = {
  setting: 'avl',
  example: '{"72":{"to":"cargoTemp1C","per":10}}',
  name: /^\d{1,5}$/,
  noTemperature: NO_SENSOR,
}

/** The ids that the setting `avl` of a device names. */
export function avlMapping({ settings }: Device): MappedFields | Problem {
  return mappedFields(settings['avl'], SETTING)
}

/** Reads a record; the ids that the mapping names go before those that every model has. */
export function avlElement(
  record: AvlRecord,
  mapped: MappedFields,
): ParsedElement | RefusedElement {
  const { elementIndex, values, position, path } = record
  const fields: Record<string, FieldValue> = position ? { ...position } : {}
  const problem =
    takeFields({ values, path, fields: RECORD_FIELDS, loose: true }, fields) ??
    takeFields(
      { values: mapped.signed(values), path, fields: mapped.fields, loose: true },
      fields,
    ) ??
    takeFields({ values, path, fields: KNOWN_IDS, loose: true }, fields)
  if (problem) return refusalAt(elementIndex, problem)
  return truckElement({
    ...record,
    values: hasFix(fields) ? fields : withoutFix(fields),
    given: values,
    radio: radioOf(values),
  })
}

/** Without a fix the last position is repeated, with no satellites; before the first it is 0, 0. */
function hasFix({ lat, lon, satellites }: Readonly<Record<string, FieldValue>>): boolean {
  return satellites !== 0 && !(lat === 0 && lon === 0)
}
