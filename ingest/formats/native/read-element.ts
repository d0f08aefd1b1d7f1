import type { z } from 'zod'
import { KINDS, KIND_NAMES, isKind, type Kind } from '#lib/telemetry/catalogue.ts'
import type { KindDefinition } from '#lib/telemetry/field.ts'
import { RADIO_FIELDS, radioOf, radioSchema } from '#lib/telemetry/radio.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import { checkValues, createAcceptor, type AcceptedValues } from '#lib/telemetry/values.ts'
import type { ParsedElement, RefusedElement } from '../format.ts'
import { isProblem, isRecord, type Problem, type Values } from '../payload/problem.ts'
import { describe, reasonOf, show } from '../payload/reason.ts'
import { refusal } from '../payload/refusal.ts'

/** Which element of a payload is read, and for which device. */
export interface ElementContext {
  /** -1 outside an array. */
  readonly elementIndex: number
  /** The kind of the device. */
  readonly own: Kind
  readonly hash: bigint
}

/** Reads one element in the native convention: the envelope, then the values of its kind. */
export function readElement(
  element: unknown,
  { elementIndex, own, hash }: ElementContext,
): ParsedElement | RefusedElement {
  if (!isRecord(element)) {
    const expected = elementIndex < 0 ? 'object or array of objects' : 'object'
    return refusal(elementIndex, 'schema', { path: [], expected, got: describe(element) })
  }
  const { kind, ts, data, radio } = element
  const seq = element['seq'] ?? null
  if (!isSendable(kind, own)) return refuseKind(kind, elementIndex, own)
  const broken = checkEnvelope(element, seq)
  if (broken) return refusal(elementIndex, 'schema', broken)
  const timeNs = ts === undefined || ts === null ? null : parseDeviceTime(ts)
  if (timeNs !== null && typeof timeNs !== 'bigint') {
    return refusal(elementIndex, 'schema', { path: ['ts'], ...timeNs })
  }
  const values = READERS[kind](data, radio)
  if (isProblem(values)) return refusal(elementIndex, 'schema', values)
  const { fields, flags, unknownFields } = values
  return {
    elementIndex,
    kind,
    // `checkEnvelope` has found a number or null.
    seq: seq as number | null,
    timeNs,
    flags,
    fields,
    radio: values.radio,
    hash,
    ...(unknownFields && { unknownFields }),
  }
}

/** Kinds that any device may send beside its own. */
const COMMON_KINDS = KIND_NAMES.filter((name) => KINDS[name].fromAnyDevice)

function isSendable(kind: unknown, own: Kind): kind is Kind {
  if (kind === own) return true
  return typeof kind === 'string' && isKind(kind) && COMMON_KINDS.includes(kind)
}

function refuseKind(kind: unknown, elementIndex: number, own: Kind): RefusedElement {
  const allowed = [...new Set([own, ...COMMON_KINDS])].join(', ')
  const isText = typeof kind === 'string'
  const got = isText ? show(kind) : describe(kind)
  return refusal(elementIndex, isText ? 'kind' : 'schema', {
    path: ['kind'],
    expected: `one of ${allowed}`,
    got,
  })
}

/** The parts around the values; without zod, because it runs for every reading. */
function checkEnvelope(element: Values, seq: unknown): Problem | null {
  const { v } = element
  if (v !== 1) return { path: ['v'], expected: '1', got: show(v) }
  if (seq === null || (Number.isSafeInteger(seq) && Number(seq) >= 0)) return null
  const got = typeof seq === 'number' ? show(seq) : describe(seq)
  return { path: ['seq'], expected: `whole number from 0 to ${Number.MAX_SAFE_INTEGER}`, got }
}

type ReadValues = Pick<ParsedElement, 'fields' | 'radio' | 'flags' | 'unknownFields'>

/** Turns `data` and `radio` of an element into fields. One per kind, made once. */
const READERS = Object.fromEntries(
  KIND_NAMES.map((name) => [name, createReader(KINDS[name])]),
) as Readonly<Record<Kind, (data: unknown, radio: unknown) => ReadValues | Problem>>

function createReader(kind: KindDefinition) {
  const readData = createPartReader('data', kind.fields, kind.data)
  // A kind whose own fields are the radio fields may give them in either part.
  const isRadio = Object.hasOwn(kind.fields, 'rsrpDbm')
  const readRadio = isRadio
    ? createPartReader('radio', kind.fields, kind.data)
    : createPartReader('radio', RADIO_FIELDS, radioSchema)
  return (data: unknown, radio: unknown): ReadValues | Problem => {
    const own = readData(data)
    if (isProblem(own)) return own
    const beside = readRadio(radio)
    if (isProblem(beside)) return beside
    const flags = own.flags | beside.flags
    const fields = isRadio ? { ...beside.fields, ...own.fields } : own.fields
    const broken = checkValues(kind, fields, data ?? (isRadio ? radio : data))
    if (broken) {
      const path = broken.path === '' ? ['data'] : ['data', broken.path]
      return { ...broken, path }
    }
    const radioFields = radioOf(isRadio ? fields : beside.fields)
    const unknownFields = unknownIn(own, beside)
    return { fields, flags, radio: radioFields, ...(unknownFields && { unknownFields }) }
  }
}

function unknownIn(data: AcceptedValues, radio: AcceptedValues): string[] | null {
  if (data.unknown === null && radio.unknown === null) return null
  const ofData = (data.unknown ?? []).map((name) => `data.${name}`)
  return [...ofData, ...(radio.unknown ?? []).map((name) => `radio.${name}`)]
}

const NO_VALUES: AcceptedValues = { fields: {}, flags: 0, unknown: null }

function createPartReader(
  part: string,
  fields: KindDefinition['fields'],
  schema: KindDefinition['data'],
) {
  const accept = createAcceptor(fields)
  return (value: unknown): AcceptedValues | Problem => {
    if (value === undefined || value === null) return NO_VALUES
    const values = isRecord(value) ? accept(value) : null
    if (values) return values
    const issue: z.core.$ZodIssue | undefined = schema.safeParse(value).error?.issues[0]
    const path = issue?.path ?? []
    const faulty = path.reduce<unknown>(
      (outer, name) => (isRecord(outer) ? outer[String(name)] : outer),
      value,
    )
    return { path: [part, ...path], ...reasonOf(issue, faulty) }
  }
}
