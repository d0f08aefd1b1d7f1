import type { Row } from '../../api/rows.ts'
import { isoOf, SPAN_MS } from '../../data/spans.ts'
import { useRows } from '../../data/use-rows.ts'
import { DrillLink } from '../../links/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { useLanguage } from '../../words/use-language.ts'

type Arrivals = Row<'interarrival'>

const ARRIVALS = {
  query: 'interarrival',
  path: '/kpi/interarrival',
  everyMs: 30_000,
  parameters: (nowMs: number) => ({ from: isoOf(nowMs - SPAN_MS['15m']), limit: 10_000 }),
} as const

const LISTED = 8

/** How regularly each device reports: those with the longest gaps first. */
export function ArrivalGaps() {
  const { t } = useLanguage()
  const query = useRows(ARRIVALS)
  return (
    <Panel name="arrivals" title={t('arrivals')} worth={t('arrivalsWorth')}>
      <QueryResult query={query}>{({ data }) => <Longest rows={data} />}</QueryResult>
    </Panel>
  )
}

function Longest({ rows }: { readonly rows: readonly Arrivals[] }) {
  const { t } = useLanguage()
  if (rows.length === 0) return <p class="none">{t('noData')}</p>
  const longest = rows.toSorted((a, b) => (b.gapMaxMs ?? 0) - (a.gapMaxMs ?? 0)).slice(0, LISTED)
  return (
    <ScrollTable label={t('gapLongest')}>
      <thead>
        <tr>
          <th scope="col">{t('device')}</th>
          <th scope="col">{t('channel')}</th>
          <th scope="col">{t('gapUsual')}</th>
          <th scope="col">{t('gapLongest')}</th>
          <th scope="col">{t('silentMinutes')}</th>
        </tr>
      </thead>
      <tbody>
        {longest.map((row) => (
          <ArrivalRow key={`${row.group.device} ${row.channel}`} row={row} />
        ))}
      </tbody>
    </ScrollTable>
  )
}

function ArrivalRow({ row }: { readonly row: Arrivals }) {
  const { formats } = useLanguage()
  const device = row.group.device ?? ''
  return (
    <tr>
      <th scope="row">
        <DrillLink to={{ show: 'readings', device, span: '15m' }} what={device}>
          {device}
        </DrillLink>
      </th>
      <td>{row.channel}</td>
      <td>{formats.ms(row.gapP50Ms)}</td>
      <td>
        {formats.age(row.gapMaxMs)}
        {row.longestFrom && <span class="quiet"> {formats.clock(row.longestFrom)}</span>}
      </td>
      <td>{formats.count(row.silentMinutes)}</td>
    </tr>
  )
}
