import { useMemo } from 'preact/hooks'
import type { Throughput as ThroughputRow } from '../../api/rows.ts'
import { LineChart } from '../../charts/line-chart.tsx'
import { isoOf } from '../../data/spans.ts'
import { useNow, usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { drillHash } from '../../links/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { MINUTE_S, messagesPerMinute } from './messages-per-minute.ts'
import './throughput.css'

const HEIGHT_PX = 150
/** Rows of the last minutes may still grow. */
const UNFINISHED_S = 15

export function Throughput() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const query = useQuery(polls.throughput)
  return (
    <Panel name="throughput" title={t('throughput')} worth={t('throughputWorth')}>
      <QueryResult query={query}>{({ data }) => <Chart rows={data} />}</QueryResult>
    </Panel>
  )
}

function Chart({ rows }: { readonly rows: readonly ThroughputRow[] }) {
  const { t, formats } = useLanguage()
  const endS = Math.floor((useNow(5000) / 1000 - UNFINISHED_S) / MINUTE_S) * MINUTE_S
  const { times, values } = useMemo(() => messagesPerMinute(rows, endS), [rows, endS])
  const last = rows.findLast(({ time }) => time !== undefined && Date.parse(time) / 1000 < endS)
  const openMinute = (timeS: number) => {
    const from = isoOf(timeS * 1000)
    const to = isoOf((timeS + MINUTE_S) * 1000)
    location.hash = drillHash({ show: 'readings', from, to })
  }
  return (
    <>
      <LineChart
        times={times}
        values={values}
        label={t('throughputChart')}
        height={HEIGHT_PX}
        onPick={openMinute}
      />
      <p class="sums">
        {t('latestMinute')}: <b data-figure="minute-rate">{formats.number(last?.messagesPerS)}</b>{' '}
        1/s, <b>{formats.number(last === undefined ? null : last.bytesPerS / 1000)}</b> kB/s
      </p>
    </>
  )
}
