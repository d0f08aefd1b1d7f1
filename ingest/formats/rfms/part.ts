import type { FieldValue } from '#lib/telemetry/field.ts'
import { isRecord, type Problem } from '../payload/problem.ts'
import { describe } from '../payload/reason.ts'
import { takeFields, type SourceField } from '../trucks/source-fields.ts'
import { caseless, type Caseless } from './caseless.ts'

/** A part of an element with its path; empty where the element has no such part. */
export interface Part {
  readonly values: Caseless
  readonly path: readonly PropertyKey[]
  readonly isThere: boolean
}

const NOTHING = caseless({})

export function partOf(outer: Part, name: string): Part | Problem {
  const found = outer.values.get(name)
  const path = [...outer.path, found.name]
  const { value } = found
  if (value === undefined || value === null) return { values: NOTHING, path, isThere: false }
  if (isRecord(value)) return { values: caseless(value), path, isThere: true }
  return { path, expected: 'object', got: describe(value) }
}

/** Some makers write headings and others as text. */
export function takePart(
  part: Part,
  fields: readonly SourceField[],
  into: Record<string, FieldValue>,
): Problem | null {
  if (!part.isThere) return null
  const values: Record<string, unknown> = {}
  for (const { from } of fields) values[from] = part.values.get(from).value
  const problem = takeFields({ values, path: part.path, fields, loose: true }, into)
  if (!problem) return null
  const name = String(problem.path.at(-1))
  return { ...problem, path: [...part.path, part.values.get(name).name] }
}
