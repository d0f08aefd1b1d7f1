import { useState } from 'preact/hooks'
import { useLanguage } from '../../frame/language.ts'
import type { Latency } from '../../data/answers.ts'
import { useAnswer, usePortal } from '../../data/hooks.ts'
import { SPANS, type SpanName } from '../../data/spans.ts'
import { Answered } from '../../parts/answered.tsx'
import { decadesAround, RangeBar, type LogScale } from '../../charts/bars.tsx'
import { DrillLink } from '../../parts/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'

/** Only the round trip is free of two clocks, so it stands first. */
const STAGES = ['rtt', 'uplink', 'age'] as const
type Stage = (typeof STAGES)[number]

const RATS = ['lte', 'nr-nsa', 'nr-sa', null]

export function LatencyByRat() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const [span, setSpan] = useState<SpanName>('1h')
  const answer = useAnswer('/kpi/latency', polls.latencyByRat[span])
  return (
    <Panel
      name="latency"
      title={t('latency')}
      worth={t('latencyWorth')}
      actions={<SpanChoice span={span} onChoose={setSpan} />}
    >
      <Answered path="/kpi/latency" answer={answer}>
        {({ data }) => <Stages rows={data} span={span} />}
      </Answered>
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
            <th scope="col" class="n">
              n
            </th>
            <th scope="col" class="n">
              p50
            </th>
            <th scope="col" class="n">
              p95
            </th>
            <th scope="col" class="n">
              p99
            </th>
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
  const place = ({ group }: Latency) => RATS.indexOf(group['rat'] ?? null)
  return rows.filter((row) => row.stage === stage).toSorted((a, b) => place(a) - place(b))
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

interface LatencyRowProps {
  readonly row: Latency
  readonly span: SpanName
  readonly scale: LogScale
}

function LatencyRow({ row, span, scale }: LatencyRowProps) {
  const { t, named, formats } = useLanguage()
  const { stage, n, p50Ms, p95Ms, p99Ms, clockBoundMs, negative } = row
  const rat = row.group['rat'] ?? 'none'
  const hasBar = p50Ms !== null && p95Ms !== null && p99Ms !== null && p99Ms > 0
  return (
    <tr data-rat={rat}>
      <th scope="row">
        <DrillLink
          to={{ show: 'readings', rat, span, ...(stage === 'rtt' ? { kind: 'probe' } : {}) }}
          what={named('rat', rat)}
        >
          {named('rat', rat)}
        </DrillLink>
      </th>
      <td class="n quiet">{formats.count(n)}</td>
      <td class="n">{formats.tenths(p50Ms)}</td>
      <td class="n strong">{formats.tenths(p95Ms)}</td>
      <td class="n">{formats.tenths(p99Ms)}</td>
      <td class="bar">
        {hasBar && <RangeBar scale={scale} from={p50Ms} mark={p95Ms} to={p99Ms} />}
        {stage === 'uplink' && (
          <span class="quiet">
            {clockBoundMs === null
              ? t('uplinkUnknown')
              : `${t('bound')} ± ${formats.ms(clockBoundMs)}`}
          </span>
        )}
        {stage === 'age' && negative > 0 && (
          <span class="warn">{t('negative', { n: formats.count(negative) })}</span>
        )}
      </td>
    </tr>
  )
}
