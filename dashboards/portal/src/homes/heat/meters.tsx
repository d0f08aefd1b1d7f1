import type { AggregatedReading, FieldValue, Reading } from '../../api/rows.ts'
import { isoOf } from '../../data/spans.ts'
import { useKinds } from '../../data/use-kinds.ts'
import { useCell, useNow, usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { DrillLink } from '../../links/drill-link.tsx'
import '../../parts/findings.css'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { energyText } from './energy.ts'
import { meterEvents, type MeterEvent } from './meter-events.ts'

const LISTED = 8
/** Readings of this long before and after an event explain it. */
const AROUND_MS = 2 * 3_600_000

export function Meters() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const kinds = useKinds()
  const hasMeters = kinds?.includes('heat_meter') ?? false
  const query = useQuery(polls.meterHours, hasMeters)
  return (
    <Panel name="meters" title={t('meters')} worth={t('metersWorth')}>
      {kinds && !hasMeters ? (
        <p class="none">{t('noData')}</p>
      ) : (
        <QueryResult query={query}>{({ data }) => <Findings rows={data} />}</QueryResult>
      )}
    </Panel>
  )
}

function Findings({ rows }: { readonly rows: readonly AggregatedReading[] }) {
  const { t, formats } = useLanguage()
  const nowMs = useNow(60_000)
  const readings = useCell(usePortal().lastValues.cell)
  const events = meterEvents(rows, nowMs)
  const flagged = [...readings.values()].filter(
    ({ kind, flags }) => kind === 'heat_meter' && flags.length > 0,
  )
  const meters = new Set(rows.map(({ device }) => device)).size
  if (meters === 0) return <p class="none">{t('noData')}</p>
  if (events.length + flagged.length === 0) {
    return <p class="fine">{t('metersFine', { n: formats.count(meters) })}</p>
  }
  return (
    <ul class="findings">
      {events.slice(0, LISTED).map((event) => (
        <EventLine key={`${event.device} ${event.type} ${event.time}`} {...event} />
      ))}
      {flagged.slice(0, LISTED).map((reading) => (
        <FlaggedLine key={reading.device} {...reading} />
      ))}
    </ul>
  )
}

function EventLine({ device, type, time, before, after, gapMs }: MeterEvent) {
  const { t, formats } = useLanguage()
  const show = (value: FieldValue | null) => {
    if (type !== 'reset' || typeof value !== 'number') return String(value)
    const { text, unit } = energyText(value, formats)
    return `${text} ${unit}`
  }
  const values = { before: show(before), after: show(after), age: formats.age(gapMs) }
  const from = isoOf(Date.parse(time) - AROUND_MS)
  const to = isoOf(Date.parse(time) + AROUND_MS)
  return (
    <li data-meter={device} data-event={type}>
      <DrillLink to={{ show: 'readings', kind: 'heat_meter', device, from, to }} what={device}>
        {device}
      </DrillLink>{' '}
      <b class="warn">{t(`meter.${type}`, values)}</b>{' '}
      <span class="quiet">{type === 'gap' ? '' : formats.moment(time)}</span>
    </li>
  )
}

function FlaggedLine({ device, flags }: Reading) {
  const { t } = useLanguage()
  return (
    <li data-meter={device} data-event="flag">
      <DrillLink to={{ show: 'readings', kind: 'heat_meter', device, span: '24h' }} what={device}>
        {device}
      </DrillLink>{' '}
      {t('meter.flag', { flags: flags.join(', ') })}
    </li>
  )
}
