import type { DuckDBConnection } from '@duckdb/node-api'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { columnsOf } from '../write/columns.ts'
import type { ChannelSequence } from '../../sequences.ts'
import { TENANT_OF, type Grain } from './grain.ts'
import type { LossPart } from '../figures/loss-part.ts'
import type { Extent, Part } from '../files/part.ts'
import { HOUR_NS, ceilTo } from '../../time-grid.ts'
import type { Session } from '../files/session.ts'
import { allOf, identifier, isOneOf, literal } from '../files/sql.ts'

/** The store as one question sees it: these partitions, and the figures as of one position. */
export interface View {
  readonly parts: readonly Part[]
  readonly rolled: number
  /** Raw rows up to it are in the hours of the latency of single devices. */
  readonly latencyRolled: number
  readonly hoursRolled: number
  readonly minuteFloorNs: bigint
  /** As `minuteFloorNs`, for the latency of single devices. */
  readonly deviceFloorNs: bigint
  readonly channels: ReadonlyMap<string, ChannelSequence>
  /** Loss of what is written and not rolled up; null where the files must be asked. */
  readonly lossBehind: () => LossPart | null
  /** Newest device time of all rows, kept or dropped. */
  readonly newestNs: bigint
  /** Newest device time whose raw row retention has dropped; 0 when there is none. */
  readonly droppedNs: bigint
}

/** What a scan runs on. */
export interface ScanContext {
  readonly view: View
  readonly connection: DuckDBConnection
}

/** Holds the partitions of a session until `work` has ended, so that none is detached under it. */
export async function withView<T>(session: Session, work: (view: View) => Promise<T>): Promise<T> {
  const { figures } = session
  const parts = [...session.parts.values()]
  let droppedNs = 0n
  let deviceFloorNs = figures.minuteFloorNs
  for (const { maxNs, hasMinutes } of figures.dropped.values()) {
    if (maxNs > droppedNs) droppedNs = maxNs
    if (!hasMinutes && maxNs >= deviceFloorNs) deviceFloorNs = ceilTo(maxNs + 1n, HOUR_NS)
  }
  let newestNs = droppedNs
  for (const { extents } of parts) {
    for (const { maxNs } of extents.values()) if (maxNs > newestNs) newestNs = maxNs
  }
  const { rolled, channels } = figures
  for (const part of parts) part.readers += 1
  try {
    return await work({
      parts,
      rolled,
      latencyRolled: figures.latencyRolled,
      hoursRolled: figures.hoursRolled,
      minuteFloorNs: figures.minuteFloorNs,
      deviceFloorNs,
      channels,
      lossBehind: () => session.lossTail.behind(rolled, channels),
      newestNs,
      droppedNs,
    })
  } finally {
    for (const part of parts) part.readers -= 1
  }
}

export interface RawSource {
  readonly kinds: readonly Kind[]
  readonly span: Span
  readonly columns: readonly string[]
  /** Conditions on the columns of a table, beside the span. */
  readonly where: readonly string[]
  /** Leaves a file out although its times fit. */
  readonly needs?: (part: Part, extent: Extent) => boolean
}

/**
 * The raw rows of a span as one SQL source. The catalogue leaves out files without a row of it; a
 * column that an older file lacks is NULL. The column `kind` comes with every row.
 */
export function rawSource(view: View, source: RawSource): string {
  return rawSourceIfAny(view, source) ?? emptySource(source)
}

/** As `rawSource`; null where no file has a row of it: what is not asked need not be planned. */
export function rawSourceIfAny(view: View, source: RawSource): string | null {
  const { span, kinds, needs } = source
  const selects: string[] = []
  for (const part of view.parts) {
    for (const kind of kinds) {
      const extent = part.extents.get(kind)
      if (!extent || extent.maxNs < span.fromNs || extent.minNs >= span.toNs) continue
      if (!needs || needs(part, extent)) selects.push(selectOf(part, kind, extent, source))
    }
  }
  return selects.length === 0 ? null : `(${selects.join('\n UNION ALL ')})`
}

function selectOf(part: Part, kind: Kind, extent: Extent, { columns, span, where }: RawSource) {
  const known = part.columns.get(kind)
  const list = columns.map((name) => {
    const quoted = identifier(name)
    return known?.has(name) ? quoted : `NULL::${typeOf(kind, name)} AS ${quoted}`
  })
  const conditions = [...where]
  if (extent.minNs < span.fromNs) conditions.push(`time_ns >= ${span.fromNs}`)
  if (extent.maxNs >= span.toNs) conditions.push(`time_ns < ${span.toNs}`)
  return (
    `SELECT ${literal(kind)} AS kind, ${list.join(', ')} ` +
    `FROM ${identifier(part.name)}.${identifier(kind)} WHERE ${allOf(conditions)}`
  )
}

function emptySource({ columns, kinds }: RawSource): string {
  const kind = kinds[0] ?? KIND_NAMES[0]
  const list = columns.map((name) => `NULL::${typeOf(kind, name)} AS ${identifier(name)}`)
  return `(SELECT NULL::VARCHAR AS kind, ${list.join(', ')} WHERE false)`
}

/** A field that a kind does not have stands for a number that is missing. */
function typeOf(kind: Kind, name: string): string {
  return String(columnsOf(kind).find((column) => column.name === name)?.type ?? 'DOUBLE')
}

/** Which devices a scope lets through; its kinds choose the tables. */
export function scopeConditions({ tenants, devices }: Scope, grain: Grain = 'device'): string[] {
  const conditions: string[] = []
  if (tenants) conditions.push(isOneOf(TENANT_OF[grain], tenants))
  if (devices) conditions.push(isOneOf('device', devices))
  return conditions
}

export function kindsIn({ kinds }: Scope): readonly Kind[] {
  return kinds ? KIND_NAMES.filter((kind) => kinds.includes(kind)) : KIND_NAMES
}
