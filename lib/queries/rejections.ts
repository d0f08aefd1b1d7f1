import { z } from 'zod'
import { REJECTION_REASONS, type RejectionRow as Stored } from '#lib/telemetry/rejection.ts'
import { deviceColumn, timeColumn } from './columns.ts'
import type { RejectionsScan } from './intake-state.ts'
import {
  deviceParameters,
  orderParameter,
  pageParameters,
  spanParameters,
  wordsParameter,
} from './parameters.ts'
import { defineQuery } from './query.ts'

/** Payloads may have 256 KiB each: a page ends with its bytes, so that 10 000 rows fit in memory. */
const STEP_ROWS = 100
const MAX_PAGE_BYTES = 8 * 1024 * 1024

export const rejectionRow = z.object({
  id: z.string(),
  time: timeColumn('When the message came.'),
  device: deviceColumn(),
  topic: z.string(),
  reason: z.enum(REJECTION_REASONS),
  path: z.string().describe('The faulty field in the payload.'),
  expected: z.string(),
  got: z.string(),
  format: z.string(),
  formatVersion: z.number().describe('Of the format, when it refused this.'),
  subDevice: z.string().nullable().describe('Which device behind a gateway it is about.'),
  item: z.number().nullable().describe('Index in an array payload; null: the whole message.'),
  recoveredAt: timeColumn('When a replay stored it after all.').nullable(),
  payloadBase64: z.instanceof(Uint8Array).describe('The original bytes.'),
  elements: z
    .number()
    .describe('Elements it stands for; more than 1 where `item` is the first of several.'),
})

export type RejectionRow = z.output<typeof rejectionRow>

export const rejections = defineQuery({
  path: '/rejections',
  permission: 'rejections:read',
  tag: 'rejections',
  summary: 'Messages and elements that were not stored, with reason and original bytes',
  parameters: {
    reason: wordsParameter(REJECTION_REASONS, 'Only these reasons'),
    ...deviceParameters,
    ...spanParameters,
    ...orderParameter,
    ...pageParameters,
  },
  row: rejectionRow,
  scope: 'devices',
  shape: 'list',
  sources: ['state'],
  toQuery: (given, { scope, fromNs, toNs, cursor }): RejectionsScan => {
    const { order, limit, reason: reasons = null } = given
    return { scope, reasons, order, limit, cursor, fromNs, toNs }
  },
  identity: ({ order }) => [order],
  steps: {
    rows: STEP_ROWS,
    maxBytes: MAX_PAGE_BYTES,
    bytesOf: ({ payloadBase64 }) => payloadBase64.byteLength,
  },
  async answer({ state }, query) {
    const { data, next } = state.rejections(query)
    return { rows: data.map(rejectionRowOf), next }
  },
})

/** The rejection behind a row, as live viewers have it. */
export function rejectionOf({ time, recoveredAt, payloadBase64, ...rest }: RejectionRow): Stored {
  return { ...rest, timeNs: time, recoveredAtNs: recoveredAt, payload: payloadBase64 }
}

export function rejectionRowOf(stored: Stored): RejectionRow {
  const { id, timeNs, payload, recoveredAtNs, elements, ...rest } = stored
  // Bytes from SQLite or from another thread.
  const payloadBase64 = payload as Uint8Array<ArrayBuffer>
  return { id, time: timeNs, ...rest, payloadBase64, recoveredAt: recoveredAtNs, elements }
}
