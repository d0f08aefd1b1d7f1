import type { ParsedElement, Format, FormatInput, FormatOutput, RefusedElement } from './format.ts'
import { isRecord } from './payload/native-element.ts'
import type { Problem } from './payload/source-fields.ts'
import { asCarried, elementOf } from './payload/sub-device.ts'
import { refuseAt } from './trucks/truck-draft.ts'
import { notTruck, readTruckJson } from './trucks/truck-payload.ts'
import { EVENT, outputOf, refuse } from './payload/output.ts'
import { describe } from './payload/wording.ts'
import { elementsOf, type Element } from './rfms/elements.ts'
import { readElement } from './rfms/read-element.ts'

/**
 * Vehicle statuses and positions as rFMS servers of truck makers give them (rFMS 2.1 to 4.0,
 * docs/domain.md 2.2), one response or one vehicle a message. VIN and driver card become no field;
 * a server registered as gateway has a sub-device for each VIN, under a pseudonym of it.
 */
export const rfms: Format = {
  name: 'rfms',
  description: 'rFMS JSON of truck makers, 2 to 4: vehicle statuses and positions, one or a list.',
  parse(input) {
    const carried = input.pseudonym ? asCarried(input, 'truck') : null
    return carried ? readTruckJson(carried, readFleet) : readTruckJson(input, read)
  },
}

function readFleet(value: unknown, input: FormatInput): FormatOutput {
  const found = elementsOf(value)
  if (found === null) return refuse(refuseAt(-1, noElements(value)))
  return found.length === 0 ? EVENT : outputOf(found.map((one) => readCarried(one, input)))
}

function readCarried(element: Element, input: FormatInput): ParsedElement | RefusedElement {
  const { elementIndex, path } = element
  const vin = vinOf(element)
  const name = vin === '' ? null : input.pseudonym?.(vin)
  const subDevice = `vin-${name}`
  const device = input.carried?.(subDevice, 'truck')
  if (!name || !device) {
    const expected = 'the VIN of the vehicle: it tells the sub-device'
    const at = [...path, element.values.get('vin').name]
    return refuseAt(elementIndex, { path: at, expected, got: 'no VIN' })
  }
  const read =
    device.kind === 'truck'
      ? readElement(element, { ...input, device })
      : { ...notTruck(device.kind), elementIndex }
  return elementOf(read, subDevice)
}

function read(value: unknown, input: FormatInput): FormatOutput {
  const found = elementsOf(value)
  if (found === null) return refuse(refuseAt(-1, noElements(value)))
  // A server that has nothing new, or a list of the fleet: no reading.
  if (found.length === 0) return EVENT
  const wanted = input.device.settings['vin']
  const vin = typeof wanted === 'string' && wanted !== '' ? wanted : null
  if (vin === null && new Set(found.map((one) => vinOf(one))).size > 1) {
    return refuse(refuseAt(-1, manyVehicles(found), 'unknown_device'))
  }
  return outputOf(found.map((element) => otherVehicle(element, vin) ?? readElement(element, input)))
}

function vinOf({ values }: Element): string {
  const { value } = values.get('vin')
  return typeof value === 'string' ? value.trim().toUpperCase() : ''
}

/**
 * One message may carry a fleet, so the setting `vin` says which vehicle the device is. The others
 * are refused, and can be replayed once they are registered. No VIN is shown: it is personal data.
 */
function otherVehicle(element: Element, vin: string | null): RefusedElement | null {
  const found = vinOf(element)
  if (vin === null || found === vin.trim().toUpperCase()) return null
  const expected = 'the vehicle of the setting vin: give other vehicles a device of their own'
  const got = found === '' ? 'no VIN' : 'another VIN'
  const path = [...element.path, element.values.get('vin').name]
  return refuseAt(element.elementIndex, { path, expected, got }, 'unknown_device')
}

function manyVehicles(elements: readonly Element[]): Problem {
  const vehicles = new Set(elements.map((one) => vinOf(one))).size
  const expected = 'one vehicle, or the setting vin that says which of them the device is'
  return { path: elements[0]?.path.slice(0, -1) ?? [], expected, got: `${vehicles} vehicles` }
}

function noElements(value: unknown): Problem {
  const expected =
    'vehicleStatusResponse, vehiclePositionResponse, or one object with createdDateTime'
  if (!isRecord(value)) return { path: [], expected, got: describe(value) }
  const names = Object.keys(value)
    .slice(0, SHOWN_NAMES)
    .map((name) => name.slice(0, 48))
  const got = names.length === 0 ? 'an empty object' : `only ${names.join(', ')}`
  return { path: [], expected, got }
}

const SHOWN_NAMES = 5
