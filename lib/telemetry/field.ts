import { z } from 'zod'
import type { Settings } from './setting.ts'

/**
 * The role of a field decides how it is aggregated: gauges as min, mean and max; counters
 * (registers, odometers) as first, last and delta; states only as their last value.
 */
export type FieldRole = 'gauge' | 'counter' | 'state'

/** What a field of a reading can hold. */
export type FieldValue = number | string | boolean

export interface FieldDefinition {
  readonly type: 'number' | 'string' | 'boolean'
  readonly role: FieldRole
  /** Unit as a symbol (`km/h`, `Cel`), '' where there is none. The field name ends with it too. */
  readonly unit: string
  /** One sentence for people. */
  readonly description: string
  /** Physical range: values outside are stored, flagged `out_of_range` and left out of KPIs. */
  readonly min?: number
  readonly max?: number
  /** Values that mean "not available" and are dropped (docs/domain.md 8.4). */
  readonly sentinels?: readonly number[]
  /** States only: the longest text accepted. */
  readonly maxLength?: number
  /** States only: the values allowed, where others are a mistake of the sender. */
  readonly values?: readonly string[]
  /** States only: the form of the text. */
  readonly pattern?: RegExp
  /** States only: letters are stored in upper case, so that equal things are equal. */
  readonly upperCase?: boolean
}

/** The retention of a kind's readings and the size of its partitions. */
export type RetentionClass = 'fleet' | 'metering'

export interface KindDefinition {
  readonly name: string
  readonly description: string
  readonly retention: RetentionClass
  readonly fields: Readonly<Record<string, FieldDefinition>>
  /** Schema of `data` in the native payload: types only, built by `dataSchema(fields)`. */
  readonly data: z.ZodType<Record<string, number | string | boolean | null | undefined>>
  /** Further rules on the accepted values; returns the first that is broken. */
  readonly check?: (data: Readonly<Record<string, unknown>>) => FieldProblem | null
  /** Settings of a device of this kind in the registry, whatever its format. */
  readonly settings?: Settings
  /** Any device may send readings of this kind beside those of its own. */
  readonly fromAnyDevice?: boolean
}

export interface FieldProblem {
  readonly path: string
  readonly expected: string
  readonly got: string
}

type Limits = Pick<FieldDefinition, 'min' | 'max' | 'sentinels'>
type Form = Pick<FieldDefinition, 'maxLength' | 'values' | 'pattern' | 'upperCase'>

export function gauge(unit: string, description: string, limits: Limits = {}): FieldDefinition {
  return { type: 'number', role: 'gauge', unit, description, ...limits }
}

export function counter(unit: string, description: string, limits: Limits = {}): FieldDefinition {
  return { type: 'number', role: 'counter', unit, description, ...limits }
}

export function state(description: string, form: Form = {}): FieldDefinition {
  return { type: 'string', role: 'state', unit: '', description, ...form }
}

export function flag(description: string): FieldDefinition {
  return { type: 'boolean', role: 'state', unit: '', description }
}

/** The zod schema of a set of fields: each optional, null accepted, unknown fields ignored. */
export function dataSchema(fields: Readonly<Record<string, FieldDefinition>>) {
  const shape: Record<string, z.ZodType<number | string | boolean | null | undefined>> = {}
  for (const [name, field] of Object.entries(fields)) {
    shape[name] = valueSchema(field).nullish()
  }
  return z.object(shape)
}

function valueSchema(field: FieldDefinition): z.ZodType<number | string | boolean> {
  if (field.type === 'number') return z.number()
  if (field.type === 'boolean') return z.boolean()
  if (field.values) return z.enum(field.values)
  const text = z.string().max(field.maxLength ?? MAX_LENGTH)
  const formed = field.pattern ? text.regex(field.pattern, `text like ${field.pattern}`) : text
  return field.upperCase ? formed.toUpperCase() : formed
}

/** The longest text of a state without a limit of its own. */
export const MAX_LENGTH = 64
