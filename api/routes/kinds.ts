import { z } from 'zod'
import { reads, settingsJsonSchema } from '#lib/registry/device-settings.ts'
import { KINDS, KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition, KindDefinition } from '#lib/telemetry/field.ts'
import type { FormatDeclaration } from '#lib/telemetry/format-declaration.ts'
import { COMMON_SETTINGS, GATEWAY_SETTINGS } from '#lib/telemetry/shared-settings.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import { ListResponse } from '../replies/response.ts'
import type { Api } from '../api.ts'
import { csvOf, type Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listSchema } from '../replies/schemas.ts'

const JSON_SCHEMA = 'https://json-schema.org/draft/2020-12/schema'
const settingsSchema = z.record(z.string(), z.unknown()).meta({
  description: 'JSON Schema of the settings, with sentence and unit of each.',
  contentSchema: { $ref: JSON_SCHEMA },
})

const fieldSchema = z.object({
  name: z.string(),
  type: z.enum(['number', 'string', 'boolean']),
  role: z
    .enum(['gauge', 'counter', 'state'])
    .describe('With every: gauges as min, mean, max; counters as first, last, delta.'),
  unit: z.string(),
  min: z.number().nullable().describe('Values outside are kept and flagged out_of_range.'),
  max: z.number().nullable(),
  values: z.array(z.string()).nullable().describe('The words allowed, where others are wrong.'),
  description: z.string(),
})

const kindSchema = z.object({
  name: z.string(),
  description: z.string(),
  retention: z.enum(['fleet', 'metering']),
  fields: z.array(fieldSchema),
  settings: settingsSchema,
})

const formatSchema = z.object({
  name: z.string(),
  description: z.string(),
  kinds: z.array(z.string()).describe('Kinds of devices it can be registered for.'),
  settings: settingsSchema,
  secrets: z.array(z.string()),
})

const catalogueSchema = listSchema(kindSchema).extend({
  radio: z.array(fieldSchema).describe('The radio part that any kind may carry.'),
  deviceSettings: settingsSchema.describe(
    'JSON Schema of the settings that every device may have.',
  ),
  gatewaySettings: settingsSchema,
  formats: z.array(formatSchema).describe('A device has settings of its kind and of its format.'),
})

type Field = z.infer<typeof fieldSchema>

const COLUMNS: Columns<Field & { readonly kind: string }> = {
  kind: (row) => row.kind,
  name: (row) => row.name,
  type: (row) => row.type,
  role: (row) => row.role,
  unit: (row) => row.unit,
  min: (row) => row.min,
  max: (row) => row.max,
  values: (row) => row.values?.join(' '),
  description: (row) => row.description,
}

/** The catalogue, as the intake uses it. */
export function addKinds(add: Add, { registry }: Api): void {
  add({
    method: 'GET',
    url: '/kinds',
    permission: 'kinds:read',
    tag: 'readings',
    summary: 'Every kind of reading with its fields, units and ranges',
    response: catalogueSchema,
    isList: true,
    handle() {
      const kinds = Object.values<KindDefinition>(KINDS).map(
        ({ name, description, retention, fields, settings = {} }) => {
          const schema = settingsJsonSchema(settings)
          return { name, description, retention, fields: fieldsOf(fields), settings: schema }
        },
      )
      const radio = fieldsOf(RADIO_FIELDS)
      const rows = kinds.flatMap(({ name, fields }) => fields.map((f) => ({ kind: name, ...f })))
      const body = {
        data: kinds,
        next: null,
        radio,
        deviceSettings: settingsJsonSchema(COMMON_SETTINGS),
        gatewaySettings: settingsJsonSchema(GATEWAY_SETTINGS),
        formats: registry.declaredFormats.map(formatOf),
      }
      return new ListResponse(body, null, (locale) => csvOf(COLUMNS, rows, locale))
    },
  })
}

function formatOf(format: FormatDeclaration): z.infer<typeof formatSchema> {
  const { name, description, settings = {}, secrets = [] } = format
  const kinds = [...KIND_NAMES, 'gateway' as const].filter((kind) => reads(format, kind))
  const schema = settingsJsonSchema(settings)
  return { name, description, kinds, settings: schema, secrets: [...secrets] }
}

function fieldsOf(fields: Readonly<Record<string, FieldDefinition>>): Field[] {
  return Object.entries(fields).map(([name, { type, role, unit, description, ...rest }]) => {
    const { min = null, max = null, values } = rest
    return { name, type, role, unit, min, max, values: values ? [...values] : null, description }
  })
}
