import type { Latency } from '../../api/rows.ts'
import type { LogScale } from '../../charts/log-scale.ts'
import { RangeBar } from '../../charts/range-bar.tsx'
import type { SpanName } from '../../data/spans.ts'
import { DrillLink } from '../../links/drill-link.tsx'
import { useLanguage } from '../../words/use-language.ts'

interface LatencyRowProps {
  readonly row: Latency
  readonly span: SpanName
  readonly scale: LogScale
}

/** Percentiles of one radio technology, as numbers and as a bar, with what limits them. */
export function LatencyRow({ row, span, scale }: LatencyRowProps) {
  const { named, formats } = useLanguage()
  const { stage, n, p50Ms, p95Ms, p99Ms } = row
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
        <ClockRemark {...row} />
      </td>
    </tr>
  )
}

/** The bound of the corrected clock, or that an uncorrected one is ahead. */
function ClockRemark({ stage, clockBoundMs, negative }: Latency) {
  const { t, formats } = useLanguage()
  if (stage === 'uplink') {
    const bound = clockBoundMs === null ? null : formats.ms(clockBoundMs)
    return (
      <span class="quiet">{bound === null ? t('uplinkUnknown') : `${t('bound')} ± ${bound}`}</span>
    )
  }
  if (stage === 'age' && negative > 0) {
    return <span class="warn">{t('negative', { n: formats.count(negative) })}</span>
  }
  return null
}
