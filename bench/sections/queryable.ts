import { besidePeer } from '../load/beside-peer.ts'
import { queryableMs } from '../load/queryable.ts'
import { product } from '../subjects/product.ts'
import type { Section } from './section.ts'

export const queryable: Section = {
  name: 'queryable',
  summary: 'time from publish to visible in a query under half the rate, beside the peer',
  needsLoad: true,
  run: (context) =>
    besidePeer(context, {
      start: () => product({ dir: context.freshDir() }),
      measure: async (subject) => ({
        queryableMs: await queryableMs(subject, context.generator, context.ratePerS),
      }),
      ratiosOf: ['queryableMs'],
    }),
}
