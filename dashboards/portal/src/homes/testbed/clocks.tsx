import type { Latency } from '../../api/rows.ts'
import { usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { DrillLink } from '../../links/drill-link.tsx'
import '../../parts/findings.css'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { wrongClocks, type ClockOffset } from './clock-offsets.ts'

const LISTED = 10

export function Clocks() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const query = useQuery(polls.latencyByDevice)
  return (
    <Panel name="clocks" title={t('clocks')} worth={t('clocksWorth')}>
      <QueryResult query={query}>{({ data }) => <WrongClocks rows={data} />}</QueryResult>
    </Panel>
  )
}

function WrongClocks({ rows }: { readonly rows: readonly Latency[] }) {
  const { t, formats } = useLanguage()
  const wrong = wrongClocks(rows)
  const devices = new Set(rows.map(({ group }) => group['device'])).size
  if (devices === 0) return <p class="none">{t('noData')}</p>
  if (wrong.length === 0)
    return <p class="fine">{t('clocksFine', { n: formats.count(devices) })}</p>
  return (
    <ul class="findings">
      {wrong.slice(0, LISTED).map((offset) => (
        <WrongClock key={offset.device} {...offset} />
      ))}
      {wrong.length > LISTED && (
        <li>{t('staleMore', { n: formats.count(wrong.length - LISTED) })}</li>
      )}
    </ul>
  )
}

function WrongClock({ device, offsetMs, boundMs }: ClockOffset) {
  const { t, formats } = useLanguage()
  const { polls } = usePortal()
  const kind = polls.devices.cell.get().value?.data.find(({ id }) => id === device)?.kind
  const offset = formats.ms(Math.abs(offsetMs))
  const to = { show: 'readings', device, span: '15m', ...(kind ? { kind } : {}) } as const
  return (
    <li data-clock={device}>
      <DrillLink to={to} what={device}>
        {device}
      </DrillLink>{' '}
      <b class="warn">{t(offsetMs > 0 ? 'clockAhead' : 'clockBehind', { offset })}</b>{' '}
      <span class="quiet">
        {boundMs === null ? t('boundUnknown') : t('within', { bound: formats.ms(boundMs) })}
      </span>
    </li>
  )
}
