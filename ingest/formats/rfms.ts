import { textSetting } from '#lib/telemetry/setting.ts'
import { lenient, timezone } from '#lib/telemetry/shared-settings.ts'
import type { Format, FormatInput, FormatOutput, ParsedElement, RefusedElement } from './format.ts'
import { isRecord, type Problem } from './payload/problem.ts'
import { describe, showNames } from './payload/reason.ts'
import { EVENT, outputOf, refusalAt, refuse } from './payload/refusal.ts'
import { asCarried } from './payload/sub-device.ts'
import { elementsOf, type SourceElement } from './rfms/elements.ts'
import { readElement } from './rfms/read-element.ts'
import { notTruck, readTruckJson } from './trucks/truck-json.ts'

/**
 * Vehicle statuses and positions as rFMS servers of truck makers give them (rFMS 2.1 to 4.0,
 * docs/domain.md 2.2), one response or one vehicle per message. VIN and driver card become no
 * field; a server registered as gateway has a sub-device for each VIN, named by a pseudonym of it.
 */
export const rfms: Format = {
  name: 'rfms',
  description: 'rFMS JSON of truck makers, 2 to 4: vehicle statuses and positions, one or a list.',
  kinds: ['truck'],
  fromGateway: true,
  settings: {
    timezone,
    lenient,
    vin: textSetting('a VIN of 17 letters and digits', {
      description: 'VIN of the vehicle, where the payload lists several.',
    }),
  },
  parse(input) {
    const carried = input.pseudonym ? asCarried(input, 'truck') : null
    return carried ? readTruckJson(carried, readFleet) : readTruckJson(input, read)
  },
}

function readFleet(value: unknown, input: FormatInput): FormatOutput {
  const found = elementsOf(value)
  if (found === null) return refuse(refusalAt(-1, noElements(value)))
  return found.length === 0 ? EVENT : outputOf(found.map((one) => readCarried(one, input)))
}

function readCarried(element: SourceElement, input: FormatInput): ParsedElement | RefusedElement {
  const { elementIndex, path } = element
  const vin = vinOf(element)
  const name = vin === '' ? null : input.pseudonym?.(vin)
  const subDevice = `vin-${name}`
  const device = input.carried?.(subDevice, 'truck')
  if (!name || !device) {
    const expected = 'the VIN of the vehicle, which names the sub-device'
    const at = [...path, element.values.get('vin').name]
    return refusalAt(elementIndex, { path: at, expected, got: 'no VIN' })
  }
  const read =
    device.kind === 'truck'
      ? readElement(element, { ...input, device })
      : { ...notTruck(device.kind), elementIndex }
  return { ...read, subDevice }
}

function read(value: unknown, input: FormatInput): FormatOutput {
  const found = elementsOf(value)
  if (found === null) return refuse(refusalAt(-1, noElements(value)))
  // A server without anything new, or a list of the fleet: no reading.
  if (found.length === 0) return EVENT
  const wanted = input.device.settings['vin']
  const vin = typeof wanted === 'string' && wanted !== '' ? wanted : null
  if (vin === null && new Set(found.map((one) => vinOf(one))).size > 1) {
    return refuse(refusalAt(-1, manyVehicles(found), 'unknown_device'))
  }
  return outputOf(found.map((element) => otherVehicle(element, vin) ?? readElement(element, input)))
}

function vinOf({ values }: SourceElement): string {
  const { value } = values.get('vin')
  return typeof value === 'string' ? value.trim().toUpperCase() : ''
}

/**
 * One message may carry a fleet, so the setting `vin` names the vehicle of the device. The others
 * are refused, and can be replayed once they are registered. No VIN is shown: it is personal data.
 */
function otherVehicle(element: SourceElement, vin: string | null): RefusedElement | null {
  const found = vinOf(element)
  if (vin === null || found === vin.trim().toUpperCase()) return null
  const expected = 'the vehicle of the setting vin: give other vehicles a device of their own'
  const got = found === '' ? 'no VIN' : 'another VIN'
  const path = [...element.path, element.values.get('vin').name]
  return refusalAt(element.elementIndex, { path, expected, got }, 'unknown_device')
}

function manyVehicles(elements: readonly SourceElement[]): Problem {
  const vehicles = new Set(elements.map((one) => vinOf(one))).size
  const expected = 'one vehicle, or the setting vin that says which of them the device is'
  return { path: elements[0]?.path.slice(0, -1) ?? [], expected, got: `${vehicles} vehicles` }
}

function noElements(value: unknown): Problem {
  const expected =
    'vehicleStatusResponse, vehiclePositionResponse, or one object with createdDateTime'
  if (!isRecord(value)) return { path: [], expected, got: describe(value) }
  const names = Object.keys(value)
  const got = names.length === 0 ? 'an empty object' : `only ${showNames(names)}`
  return { path: [], expected, got }
}
