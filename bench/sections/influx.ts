import { hasInfluxd } from '../../tests/support/influxd.ts'
import { besidePeer } from '../load/beside-peer.ts'
import { steadyFigures } from '../load/load-figures.ts'
import { queryableMs } from '../load/queryable.ts'
import { productOnInflux } from '../subjects/product-on-influx.ts'
import type { Section } from './section.ts'
import { STEADY_RATIOS } from './steady.ts'

export const influx: Section = {
  name: 'influx',
  summary: 'steady and queryable with InfluxDB as the store, beside the peer; needs influxd',
  needsLoad: true,
  async run(context) {
    if (!hasInfluxd) {
      context.report('The product on InfluxDB is left out: it needs influxd.')
      return null
    }
    const { generator, ratePerS } = context
    return await besidePeer(context, {
      start: () => productOnInflux(context.freshDir()),
      measure: async (subject) => ({
        ...(await steadyFigures(subject, generator, ratePerS)),
        queryableMs: await queryableMs(subject, generator, ratePerS),
      }),
      ratiosOf: [...STEADY_RATIOS, 'queryableMs'],
    })
  },
}
