import { useLanguage } from '../../frame/language.ts'
import type { AggregatedReading, FieldValue, Reading } from '../../data/answers.ts'
import { useAnswer, useCell, useNow, usePortal } from '../../data/hooks.ts'
import { Answered } from '../../parts/answered.tsx'
import { DrillLink } from '../../parts/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { useKinds } from '../../data/use-kinds.ts'
import { energyText } from './heat-sums.ts'
import { meterEvents, type MeterEvent } from './meter-events.ts'

const LISTED = 8

export function Meters() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const kinds = useKinds()
  const hasMeters = kinds?.includes('heat_meter') ?? false
  const answer = useAnswer('/readings', polls.meterHours, hasMeters)
  return (
    <Panel name="meters" title={t('meters')} worth={t('metersWorth')}>
      {kinds && !hasMeters ? (
        <p class="none">{t('noData')}</p>
      ) : (
        <Answered path="/readings" answer={answer}>
          {({ data }) => <Findings rows={data} />}
        </Answered>
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
        <EventLine key={`${event.device} ${event.sort} ${event.time}`} {...event} />
      ))}
      {flagged.slice(0, LISTED).map((reading) => (
        <FlaggedLine key={reading.device} {...reading} />
      ))}
    </ul>
  )
}

function EventLine({ device, sort, time, before, after, gapMs }: MeterEvent) {
  const { t, formats } = useLanguage()
  const show = (value: FieldValue | null) => {
    if (sort !== 'reset' || typeof value !== 'number') return String(value)
    const { text, unit } = energyText(value, formats)
    return `${text} ${unit}`
  }
  const values = { before: show(before), after: show(after), age: formats.age(gapMs) }
  const from = new Date(Date.parse(time) - 2 * 3_600_000).toISOString()
  const to = new Date(Date.parse(time) + 2 * 3_600_000).toISOString()
  return (
    <li data-meter={device} data-sort={sort}>
      <DrillLink to={{ show: 'readings', kind: 'heat_meter', device, from, to }} what={device}>
        {device}
      </DrillLink>{' '}
      <b class="warn">{t(`meter.${sort}`, values)}</b>{' '}
      <span class="quiet">{sort === 'gap' ? '' : formats.moment(time)}</span>
    </li>
  )
}

function FlaggedLine({ device, flags }: Reading) {
  const { t } = useLanguage()
  return (
    <li data-meter={device} data-sort="flag">
      <DrillLink to={{ show: 'readings', kind: 'heat_meter', device, span: '24h' }} what={device}>
        {device}
      </DrillLink>{' '}
      {t('meter.flag', { flags: flags.join(', ') })}
    </li>
  )
}
