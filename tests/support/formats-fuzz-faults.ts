import { KINDS } from '#lib/telemetry/catalogue.ts'
import { REJECTION_REASONS } from '#lib/telemetry/rejection.ts'
import { formatNamed } from '../../ingest/formats/catalogue.ts'
import type { ParsedElement, FormatOutput, RefusedElement } from '../../ingest/formats/format.ts'
import { formatInput } from './format-input.ts'
import type { FuzzInput } from './formats-fuzz-inputs.ts'

/** The fault in the output of a format; null when there is none. */
export function faultOf(input: FuzzInput): string | null {
  const { format, payload, kind, channel, settings } = input
  const before = Buffer.from(payload)
  let output: FormatOutput | undefined
  try {
    output = formatNamed(format)?.parse(formatInput(payload, kind, channel, settings))
  } catch (error) {
    return said(input, `it threw ${error instanceof Error ? error.stack : String(error)}`)
  }
  if (!output) return said(input, 'there is no such format')
  if (!before.equals(payload)) return said(input, 'it changed the payload')
  const fault = outputFault(output)
  return fault === null ? null : said(input, fault)
}

function said({ format, kind, channel, settings, payload }: FuzzInput, what: string): string {
  const shown = Buffer.from(payload.subarray(0, SHOWN_BYTES)).toString('base64')
  const where = `${format}, ${kind}, ${channel}, ${JSON.stringify(settings)}`
  return `${what}\n(${where}, ${payload.length} bytes, base64 ${shown})`
}

const SHOWN_BYTES = 3000

function outputFault({ elements, refused }: FormatOutput): string | null {
  const whole = refused.filter(({ elementIndex }) => elementIndex === -1)
  if (whole.length > 1) return `${whole.length} refusals of one message`
  if (whole.length === 1 && elements.length > 0) return 'readings of a message that is refused'
  const keys = refused.map(({ elementIndex }) => elementIndex)
  if (new Set(keys).size !== keys.length) return 'two refusals of one element'
  for (const refusal of refused) {
    const fault = refusalFault(refusal)
    if (fault !== null) return `${fault}: ${JSON.stringify(refusal)}`
  }
  for (const element of elements) {
    const fault = elementFault(element)
    if (fault !== null) return fault
  }
  return null
}

/** Refusals are shown to people and stored one by one: none may be as long as the message. */
const LONGEST_WORDS = 2000

function refusalFault({
  elementIndex,
  reason,
  path,
  expected,
  got,
}: RefusedElement): string | null {
  if (!Number.isSafeInteger(elementIndex) || elementIndex < -1)
    return 'a refusal of an element that cannot be'
  if (!REJECTION_REASONS.includes(reason)) return 'an unknown reason'
  if (expected === '' || got === '') return 'a refusal that says nothing'
  const isLong = [path, expected, got].some((text) => text.length > LONGEST_WORDS)
  return isLong ? 'a refusal of thousands of characters' : null
}

const I64 = 2n ** 63n

function elementFault({
  elementIndex,
  kind,
  seq,
  timeNs,
  flags,
  fields,
  radio,
  hash,
}: ParsedElement): string | null {
  if (!Number.isSafeInteger(elementIndex) || elementIndex < -1)
    return `a reading of element ${elementIndex}`
  if (seq !== null && (!Number.isSafeInteger(seq) || seq < 0)) return `the sequence number ${seq}`
  if (timeNs !== null && (timeNs < -I64 || timeNs >= I64)) return `the time ${timeNs}`
  if (!Number.isSafeInteger(flags) || flags < 0) return `the flags ${flags}`
  if (typeof hash !== 'bigint') return 'no hash'
  const definition = KINDS[kind]
  if (!definition) return 'a kind that does not exist'
  for (const [name, value] of Object.entries(fields)) {
    const field = Object.hasOwn(definition.fields, name) ? definition.fields[name] : undefined
    if (!field) return `a field ${name} that ${kind} does not have`
    if (typeof value !== field.type) return `${name} of type ${typeof value}`
    if (typeof value === 'number' && !Number.isFinite(value)) return `${name} = ${value}`
  }
  const isEmpty = Object.keys(fields).length === 0 && radio === null
  return isEmpty ? 'a reading without a value' : null
}
