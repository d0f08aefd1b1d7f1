import { useState } from 'preact/hooks'
import type { Latency } from '../../api/rows.ts'
import { decadesAround, type LogScale } from '../../charts/log-scale.ts'
import { SPANS, type SpanName } from '../../data/spans.ts'
import { usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { LatencyRow } from './latency-row.tsx'
import './latency.css'

/** Only the round trip needs no second clock, so it comes first. */
const STAGES = ['rtt', 'uplink', 'age'] as const
type Stage = (typeof STAGES)[number]

const RATS = ['lte', 'nr-nsa', 'nr-sa', null]

export function LatencyByRat() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const [span, setSpan] = useState<SpanName>('1h')
  const query = useQuery(polls.latencyByRat[span])
  return (
    <Panel
      name="latency"
      title={t('latency')}
      worth={t('latencyWorth')}
      actions={<SpanChoice span={span} onChoose={setSpan} />}
    >
      <QueryResult query={query}>{({ data }) => <Stages rows={data} span={span} />}</QueryResult>
    </Panel>
  )
}

interface SpanChoiceProps {
  readonly span: SpanName
  readonly onChoose: (span: SpanName) => void
}

function SpanChoice({ span, onChoose }: SpanChoiceProps) {
  const { t } = useLanguage()
  return (
    <div class="choice" role="group" aria-label={t('span')}>
      {SPANS.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === span}
          onClick={() => onChoose(name)}
        >
          {t(`span.${name}`)}
        </button>
      ))}
    </div>
  )
}

interface StagesProps {
  readonly rows: readonly Latency[]
  readonly span: SpanName
}

function Stages({ rows, span }: StagesProps) {
  const { t, formats } = useLanguage()
  const shown = rows.filter(({ stage }) => STAGES.some((name) => name === stage))
  if (shown.length === 0) return <p class="none">{t('noData')}</p>
  const scale = decadesAround(shown.flatMap(({ p50Ms, p99Ms }) => [p50Ms ?? 0, p99Ms ?? 0]))
  return (
    <>
      <table class="latency">
        <thead>
          <tr>
            <td />
            {['n', 'p50', 'p95', 'p99'].map((name) => (
              <th key={name} scope="col" class="n">
                {name}
              </th>
            ))}
            <th scope="col" class="unit">
              ms
            </th>
          </tr>
        </thead>
        {STAGES.map((stage) => (
          <StageRows key={stage} {...{ stage, span, scale }} rows={ofStage(shown, stage)} />
        ))}
      </table>
      <p class="note">{t('scale', { low: formats.ms(scale.low), high: formats.ms(scale.high) })}</p>
    </>
  )
}

function ofStage(rows: readonly Latency[], stage: Stage): readonly Latency[] {
  const order = ({ group }: Latency) => RATS.indexOf(group['rat'] ?? null)
  return rows.filter((row) => row.stage === stage).toSorted((a, b) => order(a) - order(b))
}

interface StageRowsProps extends StagesProps {
  readonly stage: Stage
  readonly scale: LogScale
}

function StageRows({ stage, rows, span, scale }: StageRowsProps) {
  const { t } = useLanguage()
  return (
    <tbody data-stage={stage}>
      <tr class="stage">
        <th scope="rowgroup" colSpan={6}>
          {t(`stage.${stage}`)} <span class="quiet">{t(`clock.${stage}`)}</span>
        </th>
      </tr>
      {rows.length === 0 && (
        <tr>
          <td colSpan={6} class="quiet">
            {t('noData')}
          </td>
        </tr>
      )}
      {rows.map((row) => (
        <LatencyRow key={row.group['rat'] ?? 'none'} {...{ row, span, scale }} />
      ))}
    </tbody>
  )
}
