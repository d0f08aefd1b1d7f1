import { KINDS, KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import { RADIO_FIELDS, type Radio } from '#lib/telemetry/radio.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { escapeTag, fieldText } from './line.ts'
import { pointTimeNs } from './point-time.ts'

/*
 * A reading is a point of the measurement of its kind. Tags are what the registry bounds: tenant,
 * device, channel and the radio technology; everything else is a field. Fields of a kind and values
 * of the radio part have their own names as long as these are free.
 */

export const TAGS = ['tenant', 'device', 'channel', 'rat'] as const

/** Fields that every reading has, beside those of its kind. */
const OWN_FIELDS = [
  'timeNs',
  'receivedAtNs',
  'claimedTimeNs',
  'position',
  'index',
  'journal',
  'seq',
  'hash',
  'flags',
  'bytes',
  'uplinkMs',
  'clockBoundMs',
] as const

export const RADIO_NAMES = Object.keys(RADIO_FIELDS) as (keyof Radio)[]

const TAKEN: ReadonlySet<string> = new Set([...TAGS, ...OWN_FIELDS, 'time', 'kind'])

/** The name in InfluxDB of a field of a kind. */
export function fieldKey(field: string): string {
  return TAKEN.has(field) ? `f_${field}` : field
}

/** The name in InfluxDB of a value of the radio part; `rat` is a tag. */
export function radioKey(kind: Kind, name: keyof Radio): string {
  if (name === 'rat') return 'rat'
  return Object.hasOwn(KINDS[kind].fields, name) ? `radio_${name}` : name
}

interface KindKeys {
  readonly fields: ReadonlyMap<string, string>
  readonly radio: readonly (readonly [keyof Radio, string])[]
}

// The keys are those of KINDS.
const KEYS = Object.fromEntries(KIND_NAMES.map((kind) => [kind, keysOf(kind)])) as Record<
  Kind,
  KindKeys
>

function keysOf(kind: Kind): KindKeys {
  const fields = Object.keys(KINDS[kind].fields).map((name) => [name, escapeTag(fieldKey(name))])
  const radio = RADIO_NAMES.filter((name) => name !== 'rat').map(
    (name) => [name, escapeTag(radioKey(kind, name))] as const,
  )
  return { fields: new Map(fields as [string, string][]), radio }
}

/** The tags of a reading in line protocol: what makes it one of a series. */
export function seriesOf({ kind, tenant, device, channel, radio }: Reading): string {
  const rat = radio?.rat ? `,rat=${escapeTag(radio.rat)}` : ''
  const names = `channel=${escapeTag(channel)},device=${escapeTag(device)}`
  return `${kind},${names}${rat},tenant=${escapeTag(tenant)}`
}

/** The line of a reading; `series` is its `seriesOf`. */
export function readingLine(reading: Reading, series: string, journal: string): string {
  const { seq, claimedTimeNs, uplinkMs, clockBoundMs, radio, fields } = reading
  const keys = KEYS[reading.kind]
  let line =
    `${series} timeNs=${reading.timeNs}i,receivedAtNs=${reading.receivedAtNs}i,` +
    `position=${reading.position}i,index=${reading.readingOrdinal}i,journal="${journal}",` +
    `hash=${BigInt.asIntN(64, reading.hash)}i,flags=${reading.flags}i,bytes=${reading.bytes}i`
  if (seq !== null) line += `,seq=${seq}i`
  if (claimedTimeNs !== null) line += `,claimedTimeNs=${claimedTimeNs}i`
  if (uplinkMs !== null) line += `,uplinkMs=${fieldText(uplinkMs)}`
  if (clockBoundMs !== null) line += `,clockBoundMs=${fieldText(clockBoundMs)}`
  for (const [name, value] of Object.entries(fields)) {
    const key = keys.fields.get(name)
    if (key) line += `,${key}=${fieldText(value)}`
  }
  if (radio) {
    for (const [name, key] of keys.radio) {
      const value = radio[name]
      if (value !== undefined) line += `,${key}=${fieldText(value)}`
    }
  }
  return `${line} ${pointTimeNs(reading)}`
}
