import { z } from 'zod'
import { throughputRows } from '#lib/kpi/network/throughput.ts'
import { perInterval } from './calendar-scans.ts'
import { count, measure } from './columns.ts'
import {
  figureColumns,
  figureDeclaration,
  figureParameters,
  figureQuery,
  figureSeries,
  placed,
} from './figure.ts'
import { defineQuery } from './query.ts'

export const throughput = defineQuery({
  ...figureDeclaration,
  path: '/kpi/throughput',
  summary: 'Messages, readings and payload bytes, and their rates',
  parameters: figureParameters,
  row: z.object({
    ...figureColumns,
    messages: count(),
    readings: count(),
    bytes: measure('By', 'Payload, without MQTT, TCP and IP headers.'),
    messagesPerS: measure('1/s'),
    bytesPerS: measure('By/s'),
  }),
  toQuery: figureQuery,
  series: figureSeries('sums per group and interval, and their means per second'),
  async answer({ store, signal }, query) {
    const rows = await perInterval(query, async (scan) =>
      throughputRows(await store.counts(scan, signal), scan).map((one) => placed(one, query.by)),
    )
    return { rows }
  },
})
