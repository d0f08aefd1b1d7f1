import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { checkValues, createAcceptor } from '#lib/telemetry/values.ts'
import type { ParsedElement, RefusedElement } from '../format.ts'
import { refusal } from '../payload/native-element.ts'
import type { Problem } from '../payload/source-fields.ts'

/** What a truck convention has found in one element of a payload, in the fields of kind `truck`. */
export interface TruckElement extends Pick<
  ParsedElement,
  'elementIndex' | 'timeNs' | 'timePath' | 'radio' | 'hash'
> {
  readonly values: Readonly<Record<string, FieldValue>>
  readonly flags?: number
  /** The element itself: its names are told when none of them is a value. */
  readonly given: unknown
  /** Where the element stands in the payload. */
  readonly path?: readonly PropertyKey[]
  /** Where latitude and longitude stand, to tell which of them is missing. */
  readonly latLon?: { readonly lat: readonly PropertyKey[]; readonly lon: readonly PropertyKey[] }
}

const accept = createAcceptor(KINDS.truck.fields)

/** Judges the values as those of a native reading are judged: sentinels, ranges, half positions. */
export function truckDraft(element: TruckElement): ParsedElement | RefusedElement {
  const {
    elementIndex,
    timeNs,
    radio,
    hash,
    values,
    given,
    flags = 0,
    path = [],
    latLon,
    timePath,
  } = element
  const accepted = accept(values)
  if (!accepted) throw new Error('a truck convention let a value pass that its kind refuses')
  const broken = checkValues(KINDS.truck, accepted.fields, given)
  if (broken) {
    const half = broken.path === 'lat' || broken.path === 'lon' ? latLon?.[broken.path] : path
    return refuseAt(elementIndex, { ...broken, path: half ?? [...path, broken.path] })
  }
  const { fields } = accepted
  const kind = 'truck'
  const draft = {
    elementIndex,
    kind,
    seq: null,
    timeNs,
    flags: flags | accepted.flags,
    fields,
    radio,
    hash,
  } as const
  return timePath === undefined ? draft : { ...draft, timePath }
}

/** A refusal of an element by its whole path in the payload. */
export function refuseAt(
  elementIndex: number,
  problem: Problem,
  reason: RefusedElement['reason'] = 'schema',
): RefusedElement {
  return { ...refusal(-1, reason, problem), elementIndex }
}
