import { z } from 'zod'
import { isoOf } from '#lib/runtime/clock.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import {
  REJECTION_GROUPINGS,
  type RejectionGroupRow,
  type RejectionRow,
  type RejectionsQuery,
  type Scope,
} from '#lib/telemetry/questions.ts'
import { REJECTION_REASONS } from '#lib/telemetry/rejection.ts'
import { list, ok } from '../replies/answer.ts'
import type { Api } from '../api.ts'
import { ownColumns, type Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import {
  deviceParameters,
  orderParameter,
  pageParameters,
  spanParameters,
  wordsParameter,
} from '../parameters/parameters.ts'
import { Problem, unusable } from '../replies/problem.ts'
import { idSchema, listSchema, timeSchema } from '../replies/schemas.ts'
import { deviceScope, requireInScope } from '../auth/scope.ts'
import { stretchOf } from '../parameters/span.ts'

const rejectionSchema = z.object({
  id: z.string(),
  time: timeSchema.describe('When the message came.'),
  device: idSchema,
  topic: z.string(),
  reason: z.enum(REJECTION_REASONS),
  path: z.string().describe('The faulty field in the payload.'),
  expected: z.string(),
  got: z.string(),
  format: z.string(),
  formatVersion: z.number().describe('Of the format, when it refused this.'),
  subDevice: z.string().nullable().describe('Which device behind a gateway it is about.'),
  item: z.number().nullable().describe('Index in an array payload; null: the whole message.'),
  payloadBase64: z.string().describe('The original bytes.'),
  recoveredAt: timeSchema.nullable().describe('When a replay stored it after all.'),
})

const COLUMNS = ownColumns(
  'id',
  'time',
  'device',
  'topic',
  'reason',
  'path',
  'expected',
  'got',
  'format',
  'formatVersion',
  'subDevice',
  'item',
  'recoveredAt',
  'payloadBase64',
)

const groupSchema = z.object({
  group: z.record(z.string(), z.string()).describe('What the rejections have in common.'),
  count: z.number(),
  recovered: z.number().describe('Of them, stored by a replay.'),
  first: timeSchema,
  last: timeSchema,
})

type GroupRow = z.infer<typeof groupSchema>

const GROUP_COLUMNS: Columns<GroupRow> = {
  ...Object.fromEntries(
    REJECTION_GROUPINGS.map((name) => [name, ({ group }: GroupRow) => group[name] ?? '']),
  ),
  count: ({ count }) => count,
  recovered: ({ recovered }) => recovered,
  first: ({ first }) => first,
  last: ({ last }) => last,
}

const replaySchema = z.strictObject({
  ids: z
    .array(z.string().regex(/^([0-9a-f-]{36}:)?\d{1,16}\.\d{1,9}$/, 'ids look like 4711.0'))
    .min(1)
    .max(10_000)
    .optional(),
  filter: z
    .strictObject({
      reason: wordsParameter(REJECTION_REASONS, 'Reasons'),
      ...deviceParameters,
    })
    .optional()
    .describe('Every rejection of these reasons, devices, tenants.'),
  positions: z
    .strictObject({ from: z.int().min(1), to: z.int().min(1) })
    .optional()
    .describe('Journal positions, both included: read again as they stand in the journal.'),
})

const replayAnswerSchema = z.object({
  recovered: z.number().describe('Stored now.'),
  again: z.number().describe('Rejected again.'),
  duplicate: z.number().describe('Stored before.'),
})

export function addRejections(add: Add, api: Api): void {
  const tag = 'rejections'
  add({
    method: 'GET',
    url: '/rejections',
    permission: 'rejections:read',
    tag,
    summary: 'Messages and elements that were not stored, with reason and original bytes',
    query: {
      reason: wordsParameter(REJECTION_REASONS, 'Only these reasons'),
      ...deviceParameters,
      ...spanParameters,
      ...orderParameter,
      ...pageParameters,
    },
    answer: listSchema(rejectionSchema),
    isList: true,
    async handle(ask) {
      const { query, route, signal } = ask
      const scope = deviceScope(ask, query)
      if (scope instanceof Problem) return scope
      const question = `${route} ${query.order}`
      const stretch = stretchOf(query, { ...api, question })
      if (stretch instanceof Problem) return stretch
      const { fromNs, toNs, after: cursor } = stretch
      const { order, limit, reason: reasons = null } = query
      const page = await boundedPage(
        api,
        { scope, reasons, order, limit, cursor, fromNs, toNs },
        signal,
      )
      const data = page.data.map((row) => shownRejection(row, ask.names.device(row.device)))
      const { after } = page
      const next = after === null ? null : api.cursors.seal({ question, fromNs, toNs, after })
      return list({ data, next }, COLUMNS)
    },
  })
  add({
    method: 'GET',
    url: '/rejections/groups',
    permission: 'rejections:read',
    tag,
    summary: 'How many rejections there are of each sort',
    query: {
      by: wordsParameter(REJECTION_GROUPINGS, 'What to group by; reason and device by default'),
      reason: wordsParameter(REJECTION_REASONS, 'Only these reasons'),
      ...deviceParameters,
      ...spanParameters,
    },
    answer: listSchema(groupSchema),
    isList: true,
    async handle(ask) {
      const { query, route, signal } = ask
      const scope = deviceScope(ask, query)
      if (scope instanceof Problem) return scope
      const stretch = stretchOf({ ...query, cursor: undefined }, { ...api, question: route })
      if (stretch instanceof Problem) return stretch
      const { fromNs, toNs } = stretch
      const { reason: reasons = null, by = ['reason', 'device'] } = query
      const rows = await api.port.ask(
        'rejectionGroups',
        { scope, reasons, by, fromNs, toNs },
        signal,
      )
      const data = rows.map(({ group, count, recovered, firstNs, lastNs }) => ({
        group: namedGroup(group, scope, (id) => ask.names.device(id)),
        count,
        recovered,
        first: isoOf(firstNs),
        last: isoOf(lastNs),
      }))
      return list({ data, next: null }, GROUP_COLUMNS)
    },
  })
  add({
    method: 'POST',
    url: '/rejections/replay',
    permission: 'rejections:replay',
    tag,
    summary: 'Try rejected messages again after their cause was mended',
    body: replaySchema,
    answer: replayAnswerSchema,
    async handle(ask) {
      const { ids = null, filter, positions = null } = ask.body
      const given = [ids, filter ?? null, positions].filter((one) => one !== null).length
      if (given !== 1) {
        return unusable('ids', `expected one of ids, filter, positions, got ${given}; give one`)
      }
      if (positions && positions.from > positions.to) {
        const got = `${positions.from} to ${positions.to}`
        return unusable('positions', `expected from <= to, got ${got}; exchange them`)
      }
      const scope = deviceScope(ask, filter ?? {})
      if (scope instanceof Problem) return scope
      const reasons = filter?.reason ?? null
      const { recovered, again, duplicate } = await api.port.ask(
        'replay',
        { scope, ids, reasons, positions },
        ask.signal,
      )
      return ok({ recovered, again, duplicate })
    },
  })
}

function namedGroup(
  group: RejectionGroupRow['group'],
  scope: Scope,
  nameOf: (device: FullId) => string,
): Record<string, string> {
  const { device, ...rest } = group
  if (device === undefined) return { ...rest }
  requireInScope(scope, device)
  return { ...rest, device: nameOf(device) }
}

/** Rows asked for at once, and payload bytes at which a page ends before its limit. */
const STEP = 100
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024

/** Payloads may have 256 KiB each: a page ends with its bytes, so that 10 000 rows fit in memory. */
async function boundedPage(
  { port }: Api,
  question: RejectionsQuery,
  signal: AbortSignal,
): Promise<{ readonly data: readonly RejectionRow[]; readonly after: string | null }> {
  const data: RejectionRow[] = []
  let after = question.cursor
  let bytes = 0
  do {
    const limit = Math.min(STEP, question.limit - data.length)
    const page = await port.ask('rejections', { ...question, limit, cursor: after }, signal)
    for (const row of page.data) {
      requireInScope(question.scope, row.device)
      data.push(row)
      bytes += row.payload.byteLength
    }
    after = page.next
  } while (after !== null && data.length < question.limit && bytes < MAX_PAYLOAD_BYTES)
  return { data, after }
}

export function shownRejection(row: RejectionRow, device: string): z.infer<typeof rejectionSchema> {
  const { id, topic, reason, path, expected, got, format, item, payload, recoveredAtNs } = row
  const { formatVersion, subDevice } = row
  return {
    id,
    time: isoOf(row.timeNs),
    device,
    topic,
    reason,
    path,
    expected,
    got,
    format,
    formatVersion,
    subDevice,
    item,
    payloadBase64: Buffer.from(payload).toString('base64'),
    recoveredAt: recoveredAtNs === null ? null : isoOf(recoveredAtNs),
  }
}
