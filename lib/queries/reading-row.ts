import { z } from 'zod'
import type { Aggregate, AggregateRow as StoredAggregate } from '#lib/store/scans.ts'
import { KINDS, KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition, FieldValue } from '#lib/telemetry/field.ts'
import { tenantOf } from '#lib/telemetry/ids.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import type { LastValue, ReadingRow as StoredReading } from '#lib/telemetry/reading.ts'
import { channelColumn, deviceColumn, tenantColumn, timeColumn } from './columns.ts'
import type { Cell, CsvColumns } from './query.ts'

/* Rows of readings, raw and aggregated, and their columns as CSV: these depend on the kind. */

const value = z.union([z.number(), z.string(), z.boolean()])

const head = {
  time: timeColumn(),
  device: deviceColumn(),
  tenant: tenantColumn(),
  kind: z.enum(KIND_NAMES),
}

export const readingRow = z.object({
  ...head,
  channel: channelColumn(),
  seq: z.number().nullable(),
  receivedAt: timeColumn(),
  claimedTime: timeColumn(
    'The time the device gave, where its clock was not usable and `time` is that of receipt.',
  ).nullable(),
  flags: z.array(z.string()),
  fields: z.record(z.string(), value).meta({ shown: 'fields' }),
  radio: z.record(z.string(), value).nullable(),
})

export const aggregateRow = z.object({
  ...head,
  count: z.number().describe('Readings in the interval.'),
  fields: z
    .record(
      z.string(),
      z.union([
        z.object({ min: z.number(), mean: z.number(), max: z.number() }),
        z.object({ first: z.number(), last: z.number(), delta: z.number() }),
        z.object({ last: value }),
      ]),
    )
    .meta({ shown: 'fields' }),
})

export type ReadingRow = z.output<typeof readingRow>
export type AggregateRow = z.output<typeof aggregateRow>

export function readingRowOf(stored: StoredReading | LastValue): ReadingRow {
  const { device, kind, channel, seq, flags, fields, radio } = stored
  return {
    time: stored.timeNs,
    device,
    tenant: tenantOf(device),
    kind,
    channel,
    seq,
    receivedAt: stored.receivedAtNs,
    claimedTime: 'claimedTimeNs' in stored ? stored.claimedTimeNs : null,
    flags: [...flags],
    fields: { ...fields },
    radio: radio && valuesOf(radio),
  }
}

export function aggregateRowOf(stored: StoredAggregate): AggregateRow {
  const { timeNs, device, kind, count, fields } = stored
  return { time: timeNs, device, tenant: tenantOf(device), kind, count, fields: { ...fields } }
}

/** Fields of a kind in the order of the catalogue. */
export function definitionsOf(kind: Kind): Readonly<Record<string, FieldDefinition>> {
  return KINDS[kind].fields
}

export function unitsOf(kind: Kind, fields: readonly string[]): Readonly<Record<string, string>> {
  const definitions = definitionsOf(kind)
  return Object.fromEntries(fields.map((name) => [name, definitions[name]?.unit ?? '']))
}

/** The same columns for every page, whatever its rows hold. */
export function readingColumns(fields: readonly string[]): CsvColumns {
  const own = ['time', 'device', 'tenant', 'kind', 'channel', 'seq', 'receivedAt'] as const
  return {
    ...Object.fromEntries(own.map((name) => [name, (row) => cellIn(row, name)])),
    flags: ({ flags }) => (flags as readonly string[]).join(' '),
    ...Object.fromEntries(fields.map((name) => [name, (row) => cellIn(row['fields'], name)])),
    ...Object.fromEntries(
      Object.keys(RADIO_FIELDS).map((name) => [
        `radio.${name}`,
        (row) => cellIn(row['radio'], name),
      ]),
    ),
    // Last: programs may read the columns before it by their number.
    claimedTime: (row) => cellIn(row, 'claimedTime'),
  }
}

/** What each role becomes over an interval. */
const PARTS = {
  gauge: ['min', 'mean', 'max'],
  counter: ['first', 'last', 'delta'],
  state: ['last'],
} as const satisfies Record<FieldDefinition['role'], readonly string[]>

export function aggregateColumns(kind: Kind, fields: readonly string[]): CsvColumns {
  const definitions = definitionsOf(kind)
  const own = ['time', 'device', 'tenant', 'kind', 'count'] as const
  const parts = fields.flatMap((name) =>
    PARTS[definitions[name]?.role ?? 'state'].map((part) => [name, part] as const),
  )
  return {
    ...Object.fromEntries(own.map((name) => [name, (row) => cellIn(row, name)])),
    ...Object.fromEntries(
      parts.map(([name, part]) => [
        `${name}.${part}`,
        ({ fields: values }) => cellIn((values as Record<string, Aggregate>)[name], part),
      ]),
    ),
  }
}

/** A value of a shown row by name. */
function cellIn(values: unknown, name: string): Cell {
  // Shown rows hold plain values under these names.
  return (values as Readonly<Record<string, Cell>> | null | undefined)?.[name]
}

function valuesOf(radio: object): Record<string, FieldValue> {
  const known = Object.entries(radio).filter(([, one]) => one !== undefined)
  return Object.fromEntries(known)
}
