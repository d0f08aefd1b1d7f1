import { z } from 'zod'

export const timeSchema = z.string().describe('ISO 8601, UTC')

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string().describe('What was expected, what came and what to do.'),
  path: z.string().optional().describe('The field or parameter that is wrong.'),
  code: z.string().optional().describe('A code of docs/errors.md.'),
  errors: z
    .array(z.object({ path: z.string(), detail: z.string() }))
    .optional()
    .describe('Every place that is wrong, when there are several.'),
})

const next = z.string().nullable().describe('`cursor` of the next page; null on the last.')

export function listSchema<T extends z.ZodType>(row: T) {
  return z.object({ data: z.array(row), next })
}

/** A list with what its numbers mean. */
export function seriesSchema<T extends z.ZodType>(row: T) {
  return z.object({ data: z.array(row), next, meta: metaSchema })
}

const metaSchema = z.object({
  unit: z.record(z.string(), z.string()).describe('Unit of each figure.'),
  aggregation: z.string().describe('What one row stands for.'),
  coverage: z
    .number()
    .nullable()
    .describe('From 0 to 1, in the sense of coverageOf; null where it cannot be told.'),
  coverageOf: z.string(),
  from: timeSchema,
  to: timeSchema,
  every: z.string().nullable().describe('ISO 8601 duration; null for raw rows and one figure.'),
  timezone: z.string().describe('Zone of dates and of days, weeks, months and years.'),
})

export const idSchema = z.string().describe('Full id <tenant>.<device>')
