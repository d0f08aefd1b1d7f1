import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { checkValues, createAcceptor } from '#lib/telemetry/values.ts'
import type { ParsedElement, RefusedElement } from '../format.ts'
import { refusalAt } from '../payload/refusal.ts'

/** The values a convention has found in one element of a payload, by the fields of kind `truck`. */
export interface FoundTruck extends Pick<
  ParsedElement,
  'elementIndex' | 'timeNs' | 'timePath' | 'radio' | 'hash'
> {
  readonly values: Readonly<Record<string, FieldValue>>
  readonly flags?: number
  /** The element as received: its names are shown when none of them is a value. */
  readonly given: unknown
  /** The path of the element in the payload. */
  readonly path?: readonly PropertyKey[]
  /** The paths of latitude and longitude, to name the one that is missing. */
  readonly latLon?: { readonly lat: readonly PropertyKey[]; readonly lon: readonly PropertyKey[] }
}

const accept = createAcceptor(KINDS.truck.fields)

/** Validates the values like those of a native reading: sentinels, ranges, half positions. */
export function truckElement(found: FoundTruck): ParsedElement | RefusedElement {
  const { elementIndex, timeNs, timePath, radio, hash, flags = 0, path = [], latLon } = found
  const accepted = accept(found.values)
  if (!accepted) throw new Error('a truck convention let a value pass that its kind refuses')
  const { fields } = accepted
  const broken = checkValues(KINDS.truck, fields, found.given)
  if (broken) {
    const half = broken.path === 'lat' || broken.path === 'lon' ? latLon?.[broken.path] : path
    return refusalAt(elementIndex, { ...broken, path: half ?? [...path, broken.path] })
  }
  return {
    elementIndex,
    kind: 'truck',
    seq: null,
    timeNs,
    flags: flags | accepted.flags,
    fields,
    radio,
    hash,
    ...(timePath === undefined ? {} : { timePath }),
  }
}
