import type { Device } from '#lib/registry/registry.ts'
import type { Problem } from '../payload/source-fields.ts'
import { readStatedTime, zoneOf, type StatedTime } from '../payload/stated-time.ts'
import type { Part } from './part.ts'

export interface ElementTime extends StatedTime {
  /** Where the message has it. */
  readonly path: readonly PropertyKey[]
  /** Whether the position is of that time: within a minute of it. */
  readonly isFixOfNow: boolean
}

/**
 * When the vehicle made the message; a message of a position alone is of the time of its fix.
 * `receivedDateTime` is the server's and says nothing of the vehicle. A fix of more than a minute
 * before or after a status tells where the truck was, not where it is.
 */
export function elementTime(whole: Part, gnss: Part, { settings }: Device): ElementTime | Problem {
  const zone = zoneOf(settings['timezone'])
  const created = statedTime(whole, 'createdDateTime', zone)
  const fixed = statedTime(gnss, 'positionDateTime', zone)
  if (created && 'expected' in created) return created
  if (fixed && 'expected' in fixed) return fixed
  const isPosition = whole.values.get('snapshotData').value === undefined
  const time = isPosition ? (fixed ?? created) : (created ?? fixed)
  if (time) return { ...time, isFixOfNow: !isFarApart(fixed?.timeNs, time.timeNs) }
  if (settings['lenient'] === true) return { timeNs: null, flags: 0, path: [], isFixOfNow: true }
  const path = [...whole.path, whole.values.get('createdDateTime').name]
  return {
    path,
    expected: 'ISO 8601 with a zone, such as 2025-11-24T16:00:00.123Z',
    got: 'nothing',
  }
}

/** Null where none is given; DAF leaves the time of the fix out. */
function statedTime(
  part: Part,
  name: string,
  zone: string | null,
): Pick<ElementTime, 'timeNs' | 'flags' | 'path'> | Problem | null {
  const found = part.values.get(name)
  if (found.value === undefined || found.value === null || found.value === '') return null
  const time = readStatedTime(found.value, zone)
  return { path: [...part.path, found.name], ...time }
}

const MINUTE_NS = 60_000_000_000n

function isFarApart(fixNs: bigint | null | undefined, timeNs: bigint | null): boolean {
  if (fixNs === null || fixNs === undefined || timeNs === null) return false
  const apart = fixNs - timeNs
  return apart > MINUTE_NS || apart < -MINUTE_NS
}
