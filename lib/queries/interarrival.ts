import { z } from 'zod'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { interarrival as interarrivalOf } from '#lib/kpi/network/interarrival.ts'
import {
  NO_COVERAGE,
  channelColumns,
  channelDeclaration,
  channelKey,
  channelParameters,
  channelQuery,
  eachChannelRows,
} from './channel-figure.ts'
import { count, optionalMeasure, timeColumn } from './columns.ts'
import { defineQuery } from './query.ts'

/** How regularly the messages of one device and channel arrive; long gaps are silence. */
export const interarrival = defineQuery({
  ...channelDeclaration,
  path: '/kpi/interarrival',
  summary: 'Time between two messages of a device: how regular they are, and where it was silent',
  parameters: channelParameters,
  row: z.object({
    ...channelColumns,
    n: count('Messages.'),
    gapMeanMs: optionalMeasure('ms', `Mean. ${KPIS.interarrival.description}`),
    gapP50Ms: optionalMeasure('ms'),
    gapP95Ms: optionalMeasure('ms'),
    gapMaxMs: optionalMeasure('ms', 'The longest time without a message.'),
    longestFrom: timeColumn('The last message before the longest gap.').nullable(),
    silentMinutes: count('Whole minutes between the first and last message without one.'),
  }),
  toQuery: channelQuery,
  key: (row) => channelKey(row, ''),
  series: {
    aggregation: () => 'per device and channel, over the arrivals of all its messages of the span',
    ...NO_COVERAGE,
  },
  answer: (context, query) =>
    eachChannelRows(context, query, (place, messages) => {
      const wanted = messages.filter(({ isWanted, live }) => isWanted && live)
      if (wanted.length === 0) return []
      const figures = interarrivalOf(wanted.map(({ receivedAtNs }) => receivedAtNs))
      return [
        {
          ...place,
          n: figures.n,
          gapMeanMs: figures.meanMs,
          gapP50Ms: figures.medianMs,
          gapP95Ms: figures.highMs,
          gapMaxMs: figures.maxMs,
          longestFrom: figures.longestFromNs,
          silentMinutes: figures.silentMinutes,
        },
      ]
    }),
})
