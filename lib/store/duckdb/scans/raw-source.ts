import { KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import type { RatChoice } from '#lib/telemetry/radio.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Extent } from '../../extent.ts'
import { TENANT_OF, type Grain } from '../figures/grain.ts'
import type { Part } from '../files/part.ts'
import { allOf, identifier, isOneOf, literal } from '../files/sql.ts'
import { columnsOf, radioColumn } from '../write/columns.ts'
import type { View } from './view.ts'

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

/** As `rawSource`; null where no file has a row of it: DuckDB then has nothing to plan. */
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

/** A field that a kind does not have counts as a missing number. */
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

/** Readings over the technologies chosen; null lets all through. */
export function ratConditions(rats: readonly RatChoice[] | null | undefined): string[] {
  if (!rats) return []
  return [isOneOf(`coalesce(${identifier(radioColumn('rat'))}, 'none')`, rats)]
}

export function kindsIn({ kinds }: Scope): readonly Kind[] {
  return kinds ? KIND_NAMES.filter((kind) => kinds.includes(kind)) : KIND_NAMES
}
