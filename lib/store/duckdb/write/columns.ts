import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  INTEGER,
  UBIGINT,
  VARCHAR,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { KindDefinition } from '#lib/telemetry/field.ts'
import { RADIO_FIELDS, type Radio } from '#lib/telemetry/radio.ts'
import type { Reading } from '#lib/telemetry/reading.ts'

/** One column of the table of a kind, and where in a reading its value is. */
export interface Column {
  readonly name: string
  readonly type: DuckDBType
  readonly source: ColumnSource
}

/** A safe integer may replace a bigint. */
export type ReadingValue = (reading: Reading) => DuckDBValue

export type ColumnSource =
  | { readonly of: 'reading'; readonly value: ReadingValue }
  | { readonly of: 'fields'; readonly name: string }

/** Prefixes keep the names of fields apart from ours and from those of the radio part. */
export function fieldColumn(field: string): string {
  return `f_${field}`
}

export function radioColumn(name: string): string {
  return `r_${name}`
}

export const RADIO_NAMES = Object.keys(RADIO_FIELDS) as (keyof Radio)[]

const own = (name: string, type: DuckDBType, value: ReadingValue): Column => ({
  name,
  type,
  source: { of: 'reading', value },
})

const FIXED: readonly Column[] = [
  own('time_ns', BIGINT, (reading) => reading.timeNs),
  own('received_ns', BIGINT, (reading) => reading.receivedAtNs),
  own('position', BIGINT, (reading) => reading.position),
  own('idx', INTEGER, (reading) => reading.readingOrdinal),
  own('device', VARCHAR, (reading) => reading.device),
  own('channel', VARCHAR, (reading) => reading.channel),
  own('seq', BIGINT, (reading) => reading.seq),
  own('claimed_ns', BIGINT, (reading) => reading.claimedTimeNs),
  own('hash', UBIGINT, (reading) => reading.hash),
  own('flags', INTEGER, (reading) => reading.flags),
  own('bytes', INTEGER, (reading) => reading.bytes),
  own('uplink_ms', DOUBLE, (reading) => reading.uplinkMs),
  own('clock_bound_ms', DOUBLE, (reading) => reading.clockBoundMs),
]

const SQL_TYPES = { number: DOUBLE, string: VARCHAR, boolean: BOOLEAN } as const

/** The columns of a kind: ours, one per field of the catalogue, and the radio part. */
export function columnsOf(kind: Kind): readonly Column[] {
  return COLUMNS[kind]
}

function makeColumns({ fields }: KindDefinition): readonly Column[] {
  const measured = Object.entries(fields).map(([name, { type }]) => ({
    name: fieldColumn(name),
    type: SQL_TYPES[type],
    source: { of: 'fields' as const, name },
  }))
  const radio = RADIO_NAMES.map((name) => ({
    name: radioColumn(name),
    type: SQL_TYPES[RADIO_FIELDS[name].type],
    source: {
      of: 'reading' as const,
      value: (reading: Reading) => reading.radio?.[name] ?? null,
    },
  }))
  return [...FIXED, ...measured, ...radio]
}

// The keys are those of KINDS.
const COLUMNS = Object.fromEntries(
  Object.entries(KINDS).map(([kind, definition]) => [kind, makeColumns(definition)]),
) as Record<Kind, readonly Column[]>
