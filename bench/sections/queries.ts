import { join } from 'node:path'
import { hasInfluxd } from '../../tests/support/influxd.ts'
import { queryTimes } from '../queries/query-times.ts'
import type { Section } from './section.ts'

export const queries: Section = {
  name: 'queries',
  summary: 'times of three queries on a day of fleet rows and a month of meters, beside InfluxDB',
  needsLoad: false,
  run: ({ options, freshDir, report }) =>
    queryTimes({
      dir: options.keep ?? join(freshDir(), 'queries'),
      rows: options.rows,
      besideInflux: hasInfluxd && options.besidePeer,
      report,
    }),
}
