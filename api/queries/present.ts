import { z } from 'zod'
import { IDENTIFYING_FIELDS } from '#lib/access/policy.ts'
import { columnMeta, innerOf } from '#lib/queries/columns.ts'
import { isoOf } from '#lib/runtime/clock.ts'
import { timeSchema } from '../replies/schemas.ts'

/*
 * How rows leave the platform, derived from the metadata of their columns: first devices, tenants and
 * channels take the names that the caller knows (and positions go where he may not see them), then times become
 * text and bytes base64.
 */

/** What a caller calls things. `device` throws for one outside the scope of the query. */
export interface NameView {
  device(id: string): string
  tenant(id: string): string
  channel(name: string): string
  readonly seesPositions: boolean
}

type Pass<Context> = (value: unknown, context: Context) => unknown

/** A change of the values of a schema; null where nothing below changes. */
type Leaf<Context> = (schema: z.ZodType) => Pass<Context> | null

/** Gives devices and tenants of a value the names of the caller; the value itself where none change. */
export function namesOf<T>(schema: z.ZodType<T>): (value: T, view: NameView) => T {
  const pass = compile<NameView>(schema, nameLeaf)
  // A pass keeps the shape of its value.
  return (value, view) => (pass ? (pass(value, view) as T) : value)
}

/** Turns a value into JSON: times as ISO 8601, bytes as base64. */
export function jsonOf(schema: z.ZodType): (value: unknown) => unknown {
  const pass = compile<null>(schema, jsonLeaf)
  return (value) => (pass ? pass(value, null) : value)
}

/** The schema of the JSON, for OpenAPI: times and bytes are strings, and each unit is given. */
export function jsonSchemaOf(schema: z.ZodType): z.ZodType {
  const { description, unit } = columnMeta(schema)
  const about = { ...(description ? { description } : {}), ...(unit ? { unit } : {}) }
  const made = shapeOf(schema)
  return Object.keys(about).length === 0 ? made : made.meta(about)
}

function shapeOf(schema: z.ZodType): z.ZodType {
  const inner = innerOf(schema)
  if (inner) {
    const made = jsonSchemaOf(inner)
    return schema instanceof z.ZodNullable ? made.nullable() : made.optional()
  }
  if (schema instanceof z.ZodBigInt) return timeSchema
  if (isBytes(schema)) return z.string()
  if (columnMeta(schema).shown === 'group') return z.record(z.string(), z.string().nullable())
  if (schema instanceof z.ZodObject) {
    const columns = Object.entries(schema.shape).map(([name, column]) => {
      return [name, jsonSchemaOf(column as z.ZodType)] as const
    })
    const more = schema.def.catchall as z.ZodType | undefined
    const object = z.object(Object.fromEntries(columns))
    return more ? object.catchall(jsonSchemaOf(more)) : object
  }
  if (schema instanceof z.ZodArray) return z.array(jsonSchemaOf(schema.element as z.ZodType))
  if (schema instanceof z.ZodUnion) {
    return z.union(schema.options.map((option) => jsonSchemaOf(option as z.ZodType)))
  }
  return schema.clone()
}

const nameLeaf: Leaf<NameView> = (schema) => {
  const { shown } = columnMeta(schema)
  if (shown === 'device') return (value, view) => view.device(String(value))
  if (shown === 'tenant') return (value, view) => view.tenant(String(value))
  if (shown === 'channel') return (value, view) => view.channel(String(value))
  if (shown === 'group') return (value, view) => namedGroup(value, view)
  if (shown === 'fields') return (value, view) => visibleFields(value, view)
  return null
}

const jsonLeaf: Leaf<null> = (schema) => {
  if (schema instanceof z.ZodBigInt) return (value) => isoOf(value as bigint)
  if (isBytes(schema)) return (value) => base64Of(value as Uint8Array)
  return null
}

function compile<Context>(schema: z.ZodType, leaf: Leaf<Context>): Pass<Context> | null {
  const own = leaf(schema)
  if (own) return nullSafe(own)
  const inner = innerOf(schema)
  if (inner) return compile(inner, leaf)
  if (schema instanceof z.ZodArray) {
    const each = compile(schema.element as z.ZodType, leaf)
    return each && nullSafe((values, context) => eachOf(values, (one) => each(one, context)))
  }
  const shape = objectShape(schema)
  return shape && nullSafe(compileObject(shape, leaf))
}

function compileObject<Context>(
  shape: Readonly<Record<string, z.ZodType>>,
  leaf: Leaf<Context>,
): Pass<Context> | null {
  const passes = Object.entries(shape).flatMap(([name, column]) => {
    const pass = compile(column, leaf)
    return pass ? [[name, pass] as const] : []
  })
  if (passes.length === 0) return null
  return (value, context) => {
    const copy: Record<string, unknown> = { ...(value as object) }
    for (const [name, pass] of passes) if (name in copy) copy[name] = pass(copy[name], context)
    return copy
  }
}

/** Columns of an object; of a union of objects all of them, for equal names mean the same. */
function objectShape(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | null {
  if (schema instanceof z.ZodObject) return schema.shape
  if (!(schema instanceof z.ZodUnion)) return null
  const shapes = schema.options.map((option) => objectShape(option as z.ZodType))
  return shapes.includes(null) ? null : Object.assign({}, ...shapes)
}

function nullSafe<Context>(pass: Pass<Context> | null): Pass<Context> | null {
  return pass && ((value, context) => ((value ?? null) === null ? value : pass(value, context)))
}

function eachOf(values: unknown, pass: (value: unknown) => unknown): unknown[] {
  return (values as readonly unknown[]).map(pass)
}

type Group = Readonly<Record<string, string | null>>

function namedGroup(value: unknown, view: NameView): Group {
  const group = { ...(value as Group) }
  if (group['device']) group['device'] = view.device(group['device'])
  if (group['tenant']) group['tenant'] = view.tenant(group['tenant'])
  return group
}

function visibleFields(value: unknown, { seesPositions }: NameView): unknown {
  if (seesPositions) return value
  const entries = Object.entries(value as object)
  return Object.fromEntries(entries.filter(([name]) => !IDENTIFYING_FIELDS.has(name)))
}

/** Bytes are the only class among the columns. */
function isBytes(schema: z.ZodType): boolean {
  return schema instanceof z.ZodCustom
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
