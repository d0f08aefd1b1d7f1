import { isoOf } from '#lib/runtime/clock.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import type { Aggregate, AggregateRow, LastValue, ReadingRow } from '#lib/telemetry/questions.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { Radio } from '#lib/telemetry/radio.ts'
import { ACCESS, POSITION_FIELDS, type Caller } from '../auth/access.ts'
import type { Columns } from './csv.ts'
import { tenantNameOf, type Names } from '../auth/names.ts'
import { Problem, unusable } from './problem.ts'

/** A reading as it is shown. */
export interface ShownReading {
  readonly time: string
  readonly device: string
  readonly tenant: string
  readonly kind: Kind
  readonly channel: string
  readonly seq: number | null
  readonly receivedAt: string
  readonly flags: readonly string[]
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
}

export interface ShownAggregate {
  readonly time: string
  readonly device: string
  readonly tenant: string
  readonly kind: Kind
  readonly count: number
  readonly fields: Readonly<Record<string, Aggregate>>
}

export function shownReading(row: ReadingRow | LastValue, viewer: Viewer): ShownReading {
  const { device, kind, channel, seq, flags, radio } = row
  return {
    time: isoOf(row.timeNs),
    device: viewer.names.device(device),
    tenant: tenantNameOf(viewer.names, device),
    kind,
    channel,
    seq,
    receivedAt: isoOf(row.receivedAtNs),
    flags,
    fields: withoutPositions(row.fields, viewer),
    radio,
  }
}

export function shownAggregate(row: AggregateRow, viewer: Viewer): ShownAggregate {
  const { device, kind, count } = row
  return {
    time: isoOf(row.timeNs),
    device: viewer.names.device(device),
    tenant: tenantNameOf(viewer.names, device),
    kind,
    count,
    fields: withoutPositions(row.fields, viewer),
  }
}

export interface Viewer {
  readonly names: Names
  readonly caller: Caller
}

function withoutPositions<T>(
  fields: Readonly<Record<string, T>>,
  { caller }: Viewer,
): Readonly<Record<string, T>> {
  if (!ACCESS[caller.key.role].pseudonymised) return fields
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !POSITION_FIELDS.has(name)))
}

/** The fields a question is about: those asked for, else all the caller may see. */
export function visibleFields(
  kind: Kind,
  asked: readonly string[] | undefined,
  caller: Caller,
): readonly string[] | Problem {
  const all = Object.keys(KINDS[kind].fields)
  const unknown = asked?.find((name) => !all.includes(name))
  if (unknown !== undefined) {
    const known = all.join(', ')
    return unusable('fields', `expected fields of ${kind} (${known}), got "${unknown}"; correct it`)
  }
  const { role } = caller.key
  if (!ACCESS[role].pseudonymised) return asked ?? all
  const hidden = asked?.find((name) => POSITION_FIELDS.has(name))
  if (hidden === undefined) return (asked ?? all).filter((name) => !POSITION_FIELDS.has(name))
  return new Problem(403, `fields: role ${role} sees no positions such as ${hidden}`, {
    path: 'fields',
  })
}

export function definitionsOf(kind: Kind): Readonly<Record<string, FieldDefinition>> {
  return KINDS[kind].fields
}

export function unitsOf(kind: Kind, fields: readonly string[]): Readonly<Record<string, string>> {
  const definitions = definitionsOf(kind)
  return Object.fromEntries(fields.map((name) => [name, definitions[name]?.unit ?? '']))
}

const RADIO_NAMES = Object.keys(RADIO_FIELDS) as (keyof Radio)[]

/** The same columns for every page, whatever its rows hold. */
export function readingColumns(fields: readonly string[]): Columns<ShownReading> {
  return {
    time: (row) => row.time,
    device: (row) => row.device,
    tenant: (row) => row.tenant,
    kind: (row) => row.kind,
    channel: (row) => row.channel,
    seq: (row) => row.seq,
    receivedAt: (row) => row.receivedAt,
    flags: (row) => row.flags.join(' '),
    ...Object.fromEntries(fields.map((name) => [name, (row: ShownReading) => row.fields[name]])),
    ...Object.fromEntries(
      RADIO_NAMES.map((name) => [`radio.${name}`, (row: ShownReading) => row.radio?.[name]]),
    ),
  }
}

/** What each role becomes over an interval. */
const PARTS = {
  gauge: ['min', 'mean', 'max'],
  counter: ['first', 'last', 'delta'],
  state: ['last'],
} as const satisfies Record<FieldDefinition['role'], readonly string[]>

export function aggregateColumns(kind: Kind, fields: readonly string[]): Columns<ShownAggregate> {
  const definitions = definitionsOf(kind)
  const parts = fields.flatMap((name) =>
    PARTS[definitions[name]?.role ?? 'state'].map((part) => [name, part] as const),
  )
  return {
    time: (row) => row.time,
    device: (row) => row.device,
    tenant: (row) => row.tenant,
    kind: (row) => row.kind,
    count: (row) => row.count,
    ...Object.fromEntries(
      parts.map(([name, part]) => [`${name}.${part}`, (row) => partOf(row, name, part)]),
    ),
  }
}

function partOf(row: ShownAggregate, name: string, part: string): FieldValue | undefined {
  const aggregate: Readonly<Record<string, FieldValue>> | undefined = row.fields[name]
  return aggregate?.[part]
}
