import { z } from 'zod'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition, KindDefinition } from '#lib/telemetry/field.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import { ListAnswer } from '../replies/answer.ts'
import type { Api } from '../api.ts'
import { csvOf, type Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listSchema } from '../replies/schemas.ts'

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
})

const catalogueSchema = listSchema(kindSchema).extend({
  radio: z.array(fieldSchema).describe('The radio part that any kind may carry.'),
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
export function addKinds(add: Add, _api: Api): void {
  add({
    method: 'GET',
    url: '/kinds',
    permission: 'kinds:read',
    tag: 'readings',
    summary: 'Every kind of reading with its fields, units and ranges',
    answer: catalogueSchema,
    isList: true,
    handle() {
      const kinds = Object.values<KindDefinition>(KINDS).map(
        ({ name, description, retention, fields }) => {
          return { name, description, retention, fields: fieldsOf(fields) }
        },
      )
      const radio = fieldsOf(RADIO_FIELDS)
      const rows = kinds.flatMap(({ name, fields }) => fields.map((f) => ({ kind: name, ...f })))
      const body = { data: kinds, next: null, radio }
      return new ListAnswer(body, null, (locale) => csvOf(COLUMNS, rows, locale))
    },
  })
}

function fieldsOf(fields: Readonly<Record<string, FieldDefinition>>): Field[] {
  return Object.entries(fields).map(([name, { type, role, unit, description, ...rest }]) => {
    const { min = null, max = null, values } = rest
    return { name, type, role, unit, min, max, values: values ? [...values] : null, description }
  })
}
