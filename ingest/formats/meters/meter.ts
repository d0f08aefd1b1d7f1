import type { Device } from '#lib/registry/registry.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { createAcceptor } from '#lib/telemetry/values.ts'
import type { ParsedElement, RefusedElement } from '../format.ts'
import type { MeterStatus } from './meter-status.ts'
import { refusal } from '../payload/native-element.ts'

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

/** Eight digits; wired meters may have other signs. */
const ID = /^[\w.:-]{1,64}$/
const ID_DIGITS = 8

/** The number of a meter as text: a number has lost the zeros in front. */
export function meterIdOf(id: unknown): string | null {
  const text = Number.isSafeInteger(id) ? String(id) : id
  if (typeof text !== 'string' || !ID.test(text)) return null
  return text.padStart(ID_DIGITS, '0').toUpperCase()
}

export type MeterValues = Readonly<Record<string, FieldValue>>

/** What a convention has found in one telegram, in the fields of the kind of its device. */
export interface MeterReading extends Pick<
  ParsedElement,
  'elementIndex' | 'timeNs' | 'timePath' | 'flags' | 'hash'
> {
  readonly values: MeterValues
  readonly status: MeterStatus
  readonly medium: string | null
  readonly meterId: string | null
}

/**
 * Judges the values as those of a native reading are judged: sentinels, ranges (docs/domain.md 8).
 */
export function meterDraft(
  kind: MeterKind,
  device: Device,
  reading: MeterReading,
): ParsedElement | RefusedElement {
  const { elementIndex, timeNs, hash, values, status, medium, meterId, timePath } = reading
  const accepted = ACCEPT[kind]({
    ...values,
    ...(status.text === null ? {} : { status: status.text }),
    ...(medium === null ? {} : { medium }),
    ...(meterId === null ? {} : { meterId }),
  })
  if (!accepted) throw new Error('a meter convention let a value pass that its kind refuses')
  let flags = reading.flags | accepted.flags
  if (status.isFaulty) flags |= FLAGS.sensor_error
  if (meterId !== null && isOther(meterId, device)) flags |= FLAGS.identity_mismatch
  const { fields } = accepted
  if (isEmpty(fields)) return onlyNoValues(kind, reading)
  const draft = { elementIndex, kind, seq: null, timeNs, flags, fields, radio: null, hash }
  return timePath === undefined ? draft : { ...draft, timePath }
}

/** A reading without a value would be none. */
function onlyNoValues(kind: MeterKind, { elementIndex, values }: MeterReading): RefusedElement {
  const names = Object.keys(values).slice(0, SHOWN_NAMES).join(', ')
  const got = `nothing but what stands for "no value" in ${names}`
  return refusal(elementIndex, 'schema', { path: [], expected: `a value of ${kind}`, got })
}

const SHOWN_NAMES = 5

/** The topic says which device it is (docs/domain.md 8.5); another meter behind it is flagged. */
function isOther(id: string, { settings }: Device): boolean {
  const known = meterIdOf(settings['meterId'])
  return known !== null && known !== id
}

export function hasEnergy(values: MeterValues): boolean {
  return values['energyKwh'] !== undefined || values['coolingEnergyKwh'] !== undefined
}

export function isEmpty(values: Readonly<Record<string, unknown>>): boolean {
  for (const name in values) if (Object.hasOwn(values, name)) return false
  return true
}

/**
 * The field of the register of a meter. A cooling meter calls it like the others do
 * (docs/domain.md 3.3); where the payload does not tell the medium, the registry may (`medium`).
 */
export function energyField(
  medium: string | null,
  settings: Device['settings'],
): 'energyKwh' | 'coolingEnergyKwh' {
  const known = medium ?? settings['medium']
  const isCooling = typeof known === 'string' && known.toLowerCase().startsWith('cooling')
  return isCooling ? 'coolingEnergyKwh' : 'energyKwh'
}
