import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { createAcceptor } from '#lib/telemetry/values.ts'
import type { ParsedElement, RefusedElement } from '../format.ts'
import { isEmpty } from '../payload/problem.ts'
import { showNames } from '../payload/reason.ts'
import { refusal } from '../payload/refusal.ts'
import type { MeterStatus } from './meter-status.ts'

export type MeterKind = 'heat_meter' | 'energy_meter'

const ACCEPT: Readonly<Record<MeterKind, ReturnType<typeof createAcceptor>>> = {
  heat_meter: createAcceptor(KINDS.heat_meter.fields),
  energy_meter: createAcceptor(KINDS.energy_meter.fields),
}

export function isMeter(kind: Device['kind']): kind is MeterKind {
  return Object.hasOwn(ACCEPT, kind)
}

export function notMeter(kind: Device['kind']): RefusedElement {
  const expected =
    kind === 'gateway'
      ? 'a registered meter: give each meter of the gateway a device with its topic'
      : 'a device registered as heat_meter or energy_meter'
  return refusal(-1, 'kind', { path: [], expected, got: `a device of kind ${kind}` })
}

/** Eight digits; wired meters may have other characters. */
const ID = /^[\w.:-]{1,64}$/
const ID_DIGITS = 8

/** The number of a meter as text: a number has lost the zeros in front. */
export function meterIdOf(id: unknown): string | null {
  const text = Number.isSafeInteger(id) ? String(id) : id
  if (typeof text !== 'string' || !ID.test(text)) return null
  return text.padStart(ID_DIGITS, '0').toUpperCase()
}

export type MeterValues = Readonly<Record<string, FieldValue>>

/** The values a convention has found in one telegram, by the fields of its device's kind. */
export interface FoundMeter extends Pick<
  ParsedElement,
  'elementIndex' | 'timeNs' | 'timePath' | 'flags' | 'hash'
> {
  readonly values: MeterValues
  readonly status: MeterStatus
  readonly medium: string | null
  readonly meterId: string | null
}

/** Validates the values like those of a native reading: sentinels, ranges (docs/domain.md 8). */
export function meterElement(
  kind: MeterKind,
  device: Device,
  found: FoundMeter,
): ParsedElement | RefusedElement {
  const { elementIndex, timeNs, hash, values, status, medium, meterId, timePath } = found
  const accepted = ACCEPT[kind]({
    ...values,
    ...(status.text === null ? {} : { status: status.text }),
    ...(medium === null ? {} : { medium }),
    ...(meterId === null ? {} : { meterId }),
  })
  if (!accepted) throw new Error('a meter convention let a value pass that its kind refuses')
  let flags = found.flags | accepted.flags
  if (status.isFaulty) flags |= FLAGS.sensor_error
  if (meterId !== null && isOtherMeter(meterId, device)) flags |= FLAGS.identity_mismatch
  const { fields } = accepted
  if (isEmpty(fields)) return onlyNoValues(kind, found)
  const element = { elementIndex, kind, seq: null, timeNs, flags, fields, radio: null, hash }
  return timePath === undefined ? element : { ...element, timePath }
}

/** A refusal of a telegram in which every value means "no value". */
function onlyNoValues(kind: MeterKind, { elementIndex, values }: FoundMeter): RefusedElement {
  const got = `nothing but what stands for "no value" in ${showNames(Object.keys(values))}`
  return refusal(elementIndex, 'schema', { path: [], expected: `a value of ${kind}`, got })
}

/** The topic says which device it is (docs/domain.md 8.5); another meter behind it is flagged. */
function isOtherMeter(id: string, { settings }: Device): boolean {
  const known = meterIdOf(settings['meterId'])
  return known !== null && known !== id
}

export function hasEnergy(values: MeterValues): boolean {
  return values['energyKwh'] !== undefined || values['coolingEnergyKwh'] !== undefined
}

/**
 * The field of a meter's energy register. A cooling meter gives it the same name as the others
 * (docs/domain.md 3.3); where the payload names no medium, the registry may (`medium`).
 */
export function energyField(
  medium: string | null,
  settings: Device['settings'],
): 'energyKwh' | 'coolingEnergyKwh' {
  const known = medium ?? settings['medium']
  const isCooling = typeof known === 'string' && known.toLowerCase().startsWith('cooling')
  return isCooling ? 'coolingEnergyKwh' : 'energyKwh'
}
