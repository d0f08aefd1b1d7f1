import { hashText } from '#lib/telemetry/hash.ts'
import { isRecord } from '../payload/problem.ts'
import { caseless, type Caseless } from './caseless.ts'

/** One vehicle status or position of a message, as received. */
export interface SourceElement {
  /** Index in its list; -1 when the message is the element. */
  readonly elementIndex: number
  readonly path: readonly PropertyKey[]
  readonly given: unknown
  readonly values: Caseless
  /** Of the element alone: the same one in another response is the same reading. */
  readonly hash: bigint
}

/** Lists as the versions name them: 2.x at the top, later in a part of their own. */
const LISTS: readonly (readonly string[])[] = [
  ['vehicleStatusResponse', 'vehicleStatuses'],
  ['vehiclePositionResponse', 'vehiclePositions'],
  ['vehicleStatus'],
  ['vehiclePosition'],
  ['vehicleStatuses'],
  ['vehiclePositions'],
]

/** The response of the same servers to `GET /vehicles`: data sheets, no readings. */
const FLEET_LISTS = ['vehicleResponse', 'vehicle', 'vehicles']

/** The elements of a message: none of an empty response, null where it is no message of rFMS. */
export function elementsOf(message: unknown): readonly SourceElement[] | null {
  if (Array.isArray(message))
    return message.map((one, elementIndex) => elementOf(one, elementIndex, [elementIndex]))
  if (!isRecord(message)) return null
  const values = caseless(message)
  for (const names of LISTS) {
    const list = listAt(values, names)
    if (list) return list.elements.map((one, at) => elementOf(one, at, [...list.path, at]))
  }
  const isOne = ['createdDateTime', 'snapshotData', 'gnssPosition', 'vin'].some(
    (name) => values.get(name).value !== undefined,
  )
  if (isOne) return [elementOf(message, -1, [])]
  return FLEET_LISTS.some((name) => values.get(name).value !== undefined) ? [] : null
}

function listAt(
  values: Caseless,
  [first = '', ...rest]: readonly string[],
): { readonly elements: readonly unknown[]; readonly path: readonly string[] } | null {
  const { value, name } = values.get(first)
  if (rest.length === 0) {
    return Array.isArray(value) ? { elements: value, path: [name] } : null
  }
  const inner = isRecord(value) ? listAt(caseless(value), rest) : null
  return inner && { elements: inner.elements, path: [name, ...inner.path] }
}

function elementOf(
  given: unknown,
  elementIndex: number,
  path: readonly PropertyKey[],
): SourceElement {
  const values = caseless(isRecord(given) ? given : {})
  return { elementIndex, path, given, values, hash: hashText(JSON.stringify(given) ?? '') }
}
