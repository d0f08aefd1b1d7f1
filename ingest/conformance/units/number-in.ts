import type { FieldValue } from '#lib/telemetry/field.ts'

type Fields = Readonly<Record<string, FieldValue>>

/** A field as a number; null where it is not there. */
export function numberIn(fields: Fields, name: string): number | null {
  const value = fields[name]
  return typeof value === 'number' ? value : null
}
