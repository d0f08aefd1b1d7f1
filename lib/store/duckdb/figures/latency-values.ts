import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import { fieldColumn, radioColumn } from '../write/columns.ts'
import { TENANT_OF, type Grain } from './grain.ts'

/*
 * The one place that decides which rows count for latency, and with which value (docs/domain.md 5.3):
 * retained, will, replayed and late messages and those of an impossible clock do not. Round trips by the
 * clock of the probe do whenever they arrive, unless they are retained, a will or replayed.
 */
export const COUNTS_FOR_LATENCY = `(flags & ${FLAGS.clock_invalid | FLAGS.late | FLAGS.not_live}) = 0`

/** Retained, will and replayed messages are no traffic of their moment (docs/domain.md 8.7). */
export const COUNTS_FOR_VOLUME = `(flags & ${FLAGS.not_live}) = 0`

export const IS_LATE = `(flags & ${FLAGS.late}) <> 0`

export interface StageValue {
  /** Which rows count. */
  readonly counts: string
  /** NULL where a row has none. */
  readonly value: string
  /** How many of its units make a ms: whole ns sort faster than fractions of ms. */
  readonly perMs: number
  /** Half width of its clock error, NULL where no clock is involved or nothing is known of it. */
  readonly bound: string
}

const RTT = fieldColumn('rttMs')

/** The stages that come from readings; the platform's own are measured elsewhere. */
export const STAGE_VALUES: Readonly<Partial<Record<Stage, StageValue>>> = {
  // A reading without a time of its own was given the receive time, to the ns: it has no age.
  age: {
    counts: COUNTS_FOR_LATENCY,
    value: 'nullif(received_ns - time_ns, 0)',
    perMs: 1e6,
    bound: 'NULL::DOUBLE',
  },
  uplink: {
    counts: COUNTS_FOR_LATENCY,
    value: 'uplink_ms',
    perMs: 1,
    bound: 'clock_bound_ms',
  },
  rtt: {
    counts: COUNTS_FOR_VOLUME,
    value: withinRange(RTT, KINDS.probe.fields['rttMs']),
    perMs: 1,
    bound: 'NULL::DOUBLE',
  },
}

/** Columns of the raw tables that the figures are made of. */
export const LATENCY_COLUMNS = [
  'time_ns',
  'received_ns',
  'position',
  'device',
  'flags',
  'uplink_ms',
  'clock_bound_ms',
  RTT,
  ...['rat', 'cellId', 'operator', 'band'].map(radioColumn),
] as const

/** The keys of figures (`grain.ts`) from raw columns. */
export function keyValues(grain: Grain): string {
  return [
    grain === 'device' ? 'device' : `${TENANT_OF.device} AS tenant`,
    'kind',
    `${radioColumn('rat')} AS rat`,
    `${radioColumn('cellId')} AS cell`,
    `${radioColumn('operator')} AS operator`,
    `${radioColumn('band')} AS band`,
  ].join(', ')
}

/** Latency values of one stage: time_ns, the keys, value, bound_ms, is_late. */
export function stageRows(rows: string, grain: Grain, of: StageValue): string {
  const { counts, value, bound } = of
  return `(SELECT time_ns, ${keyValues(grain)}, ${value} AS value, ${bound} AS bound_ms,
      ${IS_LATE} AS is_late
    FROM ${rows} WHERE ${counts} AND value IS NOT NULL)`
}

/** Latency values of several stages: time_ns, the keys, stage, ms, bound_ms, is_late. */
export function latencyValues(rows: string, grain: Grain, stages: readonly Stage[]): string {
  const selects = stages.flatMap((stage) => {
    const value = STAGE_VALUES[stage]
    if (!value) return []
    return `SELECT * EXCLUDE (value), '${stage}' AS stage, value::DOUBLE / ${value.perMs} AS ms
      FROM ${stageRows(rows, grain, value)}`
  })
  return `(${selects.join('\n UNION ALL ')})`
}

/**
 * A value outside its physical range is kept, and left out of every figure (docs/domain.md 8.11).
 */
export function withinRange(column: string, field: FieldDefinition | undefined): string {
  const limits: string[] = []
  if (field?.min !== undefined) limits.push(`${column} >= ${field.min}`)
  if (field?.max !== undefined) limits.push(`${column} <= ${field.max}`)
  return limits.length === 0 ? column : `CASE WHEN ${limits.join(' AND ')} THEN ${column} END`
}
