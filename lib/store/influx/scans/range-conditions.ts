import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { identifier } from '../client/influxql.ts'
import { fieldKey } from '../write/reading-point.ts'

/** A value outside its physical range is kept, and left out of every figure (docs/domain.md 8.11). */
export function rangeConditions(kind: Kind, name: string): string[] {
  const definition = KINDS[kind].fields[name]
  const column = identifier(fieldKey(name))
  const where: string[] = []
  if (definition?.type !== 'number') return where
  if (definition.min !== undefined) where.push(`${column} >= ${definition.min}`)
  if (definition.max !== undefined) where.push(`${column} <= ${definition.max}`)
  return where
}
