import { z } from 'zod'
import { lossRows } from '#lib/kpi/network/loss.ts'
import { perInterval } from './calendar-scans.ts'
import { count, optionalMeasure } from './columns.ts'
import {
  figureColumns,
  figureDeclaration,
  figureParameters,
  figureQuery,
  figureSeries,
  placed,
} from './figure.ts'
import { defineQuery } from './query.ts'

export const loss = defineQuery({
  ...figureDeclaration,
  path: '/kpi/loss',
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
  toQuery: figureQuery,
  series: figureSeries('sums per group and interval'),
  async answer({ store, signal }, query) {
    const rows = await perInterval(query, async (scan) =>
      lossRows(await store.sequenceRuns(scan, signal)).map((one) => placed(one, query.by)),
    )
    return { rows }
  },
})
