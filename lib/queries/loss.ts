import { z } from 'zod'
import { lossRows } from '#lib/kpi/network/loss.ts'
import { count, optionalMeasure } from './columns.ts'
import {
  figureColumns,
  figureIdentity,
  figureKey,
  figureParameters,
  figureQuery,
  figureSeries,
  placed,
} from './figure.ts'
import { defineQuery } from './query.ts'

export const loss = defineQuery({
  path: '/kpi/loss',
  permission: 'network:read',
  tag: 'network',
  summary: 'Messages that never came, from gaps in the sequence numbers',
  parameters: figureParameters,
  row: z.object({
    ...figureColumns,
    expected: count('By the sequence numbers.'),
    received: count(),
    lost: count(),
    lossRatio: optionalMeasure('1', 'Null where nothing was expected.'),
    restarts: count('Sequences that began again.'),
  }),
  scope: 'figures',
  shape: 'series',
  sources: ['store'],
  toQuery: figureQuery,
  key: (row) => figureKey(row),
  identity: figureIdentity,
  series: figureSeries('sums per group and interval'),
  async answer({ store, signal }, query) {
    return {
      rows: lossRows(await store.sequenceRuns(query, signal)).map((one) => placed(one, query.by)),
    }
  },
})
