import type { FieldValue } from '#lib/telemetry/field.ts'
import type { FormatInput, ParsedElement, RefusedElement } from '../format.ts'
import { readNumber } from '../payload/number-text.ts'
import { isProblem, isRecord, type Problem } from '../payload/problem.ts'
import { describe, showPath } from '../payload/reason.ts'
import { refusalAt } from '../payload/refusal.ts'
import { withoutFix } from '../trucks/no-fix.ts'
import { truckElement } from '../trucks/truck-element.ts'
import { caseless } from './caseless.ts'
import { elementTime } from './element-time.ts'
import type { SourceElement } from './elements.ts'
import { ACCUMULATED, CARGO, CARGO_ZONES, GNSS, SNAPSHOT, SPEEDS, STATUS } from './fields.ts'
import { partOf, takePart, type Part } from './part.ts'

type Fields = Record<string, FieldValue>

/** Reads one status or position as one reading of the truck. */
export function readElement(
  element: SourceElement,
  { device }: FormatInput,
): ParsedElement | RefusedElement {
  const { elementIndex, path, given, hash } = element
  if (!isRecord(given)) {
    return refusalAt(elementIndex, { path, expected: 'object', got: describe(given) })
  }
  const whole = { values: element.values, path, isThere: true }
  const read = readParts(whole)
  if (isProblem(read)) return refusalAt(elementIndex, read)
  const time = elementTime(whole, read.gnss, device)
  if (isProblem(time)) return refusalAt(elementIndex, time)
  const { own, position } = read
  const isNowhere = position['lat'] === 0 && position['lon'] === 0
  const isHere = time.isFixOfNow && !isNowhere
  const at = read.gnss.path
  return truckElement({
    elementIndex,
    path,
    given,
    hash,
    timeNs: time.timeNs,
    timePath: showPath(time.path),
    flags: time.flags,
    values: { ...(isHere ? position : withoutFix(position)), ...own },
    radio: null,
    latLon: { lat: [...at, 'latitude'], lon: [...at, 'longitude'] },
  })
}

interface Parts {
  /** The vehicle's own values. */
  readonly own: Fields
  /** The values of its satellite receiver. */
  readonly position: Fields
  readonly gnss: Part
}

function readParts(whole: Part): Parts | Problem {
  const snapshot = partOf(whole, 'snapshotData')
  if (isProblem(snapshot)) return snapshot
  const gnss = partOf(snapshot.isThere ? snapshot : whole, 'gnssPosition')
  if (isProblem(gnss)) return gnss
  const accumulated = partOf(whole, 'accumulatedData')
  if (isProblem(accumulated)) return accumulated
  const own: Fields = {}
  const position: Fields = {}
  const problem =
    takePart(whole, STATUS, own) ??
    takePart(accumulated, ACCUMULATED, own) ??
    takePart(snapshot, SNAPSHOT, own) ??
    takePart(whole, SPEEDS, own) ??
    takeTrigger(whole, own) ??
    takeCargo(snapshot, own) ??
    takePart(gnss, GNSS, position)
  return problem ?? { own, position, gnss }
}

/** `triggerType` {triggerType}, in 2.x `Trigger` {Trigger}; its driver ids are dropped. */
function takeTrigger(whole: Part, into: Fields): Problem | null {
  const name = whole.values.get('triggerType').value === undefined ? 'trigger' : 'triggerType'
  const { value } = whole.values.get(name)
  const outer = typeof value === 'string' ? whole : partOf(whole, name)
  if (isProblem(outer)) return outer
  const field = { from: name, to: 'triggerType', type: 'string', none: [''] } as const
  const problem = takePart(outer, [field], into)
  const trigger = into['triggerType']
  if (trigger === 'IGNITION_ON' || trigger === 'IGNITION_OFF') {
    into['ignition'] = trigger === 'IGNITION_ON'
  }
  return problem
}

function takeCargo(snapshot: Part, into: Fields): Problem | null {
  const group = partOf(snapshot, 'volvoGroupSnapshot')
  if (isProblem(group)) return group
  const cargo = partOf(group, 'cargo')
  if (isProblem(cargo)) return cargo
  const problem = takePart(cargo, CARGO, into)
  const { value: zones, name } = cargo.values.get('cargoTemperatures')
  if (problem || !Array.isArray(zones)) return problem
  for (const [at, zone] of zones.entries()) {
    const values = caseless(isRecord(zone) ? zone : {})
    const id = readNumber(values.get('id').value) ?? 0
    if (!Number.isInteger(id) || id < 1 || id > CARGO_ZONES) continue
    const field = { from: 'temperature', to: `cargoTemp${id}C`, type: 'number' } as const
    const part = { values, path: [...cargo.path, name, at], isThere: true }
    const wrong = takePart(part, [field], into)
    if (wrong) return wrong
  }
  return null
}
