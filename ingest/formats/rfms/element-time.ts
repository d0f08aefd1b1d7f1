import type { Device } from '#lib/registry/registry.ts'
import { isProblem, type Problem } from '../payload/problem.ts'
import { readStatedTime, zoneOf, type StatedTime } from '../payload/stated-time.ts'
import type { Part } from './part.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'

export interface ElementTime extends StatedTime {
  /** Its path in the message. */
  readonly path: readonly PropertyKey[]
  /** Whether the position belongs to that time: within a minute of it. */
  readonly isFixOfNow: boolean
}

/**
 * When the vehicle made the message; a message with a position only has the time of its fix.
 * `receivedDateTime` is the time of the server, not of the vehicle. A fix more than a minute before
 * or after a status is not the position of the truck at that time.
 */
export function elementTime(whole: Part, gnss: Part, { settings }: Device): ElementTime | Problem {
  const zone = zoneOf(settings['timezone'])
  const created = statedTime(whole, 'createdDateTime', zone)
  const fixed = statedTime(gnss, 'positionDateTime', zone)
  if (created && isProblem(created)) return created
  if (fixed && isProblem(fixed)) return fixed
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

/** Null where the message has none; DAF leaves the time of the fix out. */
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

function isFarApart(fixNs: bigint | null | undefined, timeNs: bigint | null): boolean {
  if (fixNs === null || fixNs === undefined || timeNs === null) return false
  const apart = fixNs - timeNs
  return apart > MINUTE_NS || apart < -MINUTE_NS
}
