import { useMemo } from 'preact/hooks'
import { useLanguage } from '../../frame/language.ts'
import type { Throughput } from '../../data/answers.ts'
import { useAnswer, useNow, usePortal } from '../../data/hooks.ts'
import { isoOf } from '../../data/spans.ts'
import { Answered } from '../../parts/answered.tsx'
import { drillHash } from '../../parts/drill-link.tsx'
import { LineChart } from '../../charts/line-chart.tsx'
import { Panel } from '../../parts/panel.tsx'

const MINUTE_S = 60
const MINUTES = 120
const HEIGHT = 150
/** Rows of the last minutes may still grow. */
const UNFINISHED_S = 15

export function MessageChart() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const answer = useAnswer('/kpi/throughput', polls.throughput)
  return (
    <Panel name="throughput" title={t('throughput')} worth={t('throughputWorth')}>
      <Answered path="/kpi/throughput" answer={answer}>
        {({ data }) => <Chart rows={data} />}
      </Answered>
    </Panel>
  )
}

function Chart({ rows }: { readonly rows: readonly Throughput[] }) {
  const { t, formats } = useLanguage()
  const minuteNow = Math.floor((useNow(5000) / 1000 - UNFINISHED_S) / MINUTE_S) * MINUTE_S
  const { times, values } = useMemo(() => perMinute(rows, minuteNow), [rows, minuteNow])
  const last = rows.findLast(
    ({ time }) => time !== undefined && Date.parse(time) / 1000 < minuteNow,
  )
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
        height={HEIGHT}
        onPick={openMinute}
      />
      <p class="sums">
        {t('latestMinute')}: <b data-figure="minute-rate">{formats.number(last?.messagesPerS)}</b>{' '}
        1/s, <b>{formats.number(last === undefined ? null : last.bytesPerS / 1000)}</b> kB/s
      </p>
    </>
  )
}

/** One value for each whole minute of the span; null where nothing came. */
function perMinute(rows: readonly Throughput[], endS: number) {
  const byTime = new Map(
    rows.map(({ time, messagesPerS }) => [Date.parse(time ?? '') / 1000, messagesPerS]),
  )
  const times = Array.from({ length: MINUTES }, (_, at) => endS - (MINUTES - at) * MINUTE_S)
  return { times, values: times.map((time) => byTime.get(time) ?? null) }
}
