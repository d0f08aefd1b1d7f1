import type { ComponentChildren } from 'preact'
import { useCell, usePortal } from '../data/use-portal.ts'
import { useQuery, type QueryState } from '../data/use-query.ts'
import { useStale } from '../data/use-stale.ts'
import { DrillLink, type DrillTarget } from '../links/drill-link.tsx'
import { StaleNote } from '../parts/stale-note.tsx'
import { NO_VALUE } from '../words/formats.ts'
import { useLanguage } from '../words/use-language.ts'
import { useDeviceStates } from './fleet/use-device-states.ts'
import './headline.css'
import { energyText, sumOf } from './heat/energy.ts'
import { MIN_VALUES, worstRoundTrip } from './testbed/worst-round-trip.ts'

interface FigureProps {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly unit?: string
  readonly worth: string
  /** Where the value comes from: dimmed, with its age, when it cannot be renewed. */
  readonly query: QueryState<unknown>
  readonly to?: DrillTarget
}

/** The five figures that people look for first, each with its worth. */
export function Headline() {
  return (
    <dl class="headline">
      <RateNow />
      <DevicesHeard />
      <RoundTrip />
      <HeatToday />
      <RejectedMessages />
    </dl>
  )
}

function Figure({ name, label, value, unit, worth, query, to }: FigureProps) {
  const isStale = useStale(query)
  const shown: ComponentChildren = (
    <>
      <span data-figure={name}>{value}</span>
      {unit && value !== NO_VALUE && <span class="unit"> {unit}</span>}
    </>
  )
  return (
    <div class={`figure figure-${name}`}>
      <dt>{label}</dt>
      <dd class={isStale ? 'value stale' : 'value'}>
        {to && value !== NO_VALUE ? (
          <DrillLink to={to} what={label}>
            {shown}
          </DrillLink>
        ) : (
          shown
        )}
      </dd>
      <dd class="worth">{isStale ? <StaleNote query={query} /> : worth}</dd>
    </div>
  )
}

function RateNow() {
  const { t, formats } = useLanguage()
  const portal = usePortal()
  const rate = useCell(portal.rate.cell)
  const query = useQuery(portal.polls.delivery)
  return (
    <Figure
      name="rate"
      query={query}
      label={t('rateNow')}
      value={formats.number(rate?.perS)}
      unit="1/s"
      worth={
        rate
          ? t('rateWorth', {
              messages: formats.count(rate.messages),
              seconds: formats.count(rate.seconds),
            })
          : t('loading')
      }
      to={{ show: 'readings', span: '15m' }}
    />
  )
}

function DevicesHeard() {
  const { t, formats } = useLanguage()
  const states = useDeviceStates()
  const query = useQuery(usePortal().polls.lastValues)
  const count = (freshness: string) =>
    states?.filter((state) => state.freshness === freshness).length ?? null
  const value = states
    ? `${formats.count(count('fresh'))} ${t('of')} ${formats.count(states.length)}`
    : NO_VALUE
  return (
    <Figure
      name="devices"
      query={query}
      label={t('devicesHeard')}
      value={value}
      worth={t('devicesWorth', {
        stale: formats.count(count('late')),
        silent: formats.count(count('silent')),
      })}
    />
  )
}

function RoundTrip() {
  const { t, named, formats } = useLanguage()
  const { polls } = usePortal()
  const query = useQuery(polls.latencyByRat['1h'])
  const row = worstRoundTrip(query.value?.data ?? [])
  const rat = row?.group['rat'] ?? null
  return (
    <Figure
      name="rtt"
      query={query}
      label={t('rttBest', { rat: rat === null ? NO_VALUE : named('rat', rat) })}
      value={formats.number(row?.p95Ms)}
      unit="ms"
      worth={
        row
          ? t('rttWorth', { n: formats.count(row.n), least: formats.count(MIN_VALUES) })
          : t('rttTooFew', { n: formats.count(MIN_VALUES) })
      }
      {...(rat === null ? {} : { to: { show: 'readings', kind: 'probe', rat, span: '1h' } })}
    />
  )
}

function HeatToday() {
  const { t, formats } = useLanguage()
  const { polls } = usePortal()
  const query = useQuery(polls.heat.delivered.today)
  const { value, access } = query
  const sum = value ? sumOf(value.data) : null
  const { text, unit } = energyText(sum?.energyKwh ?? null, formats)
  return (
    <Figure
      name="heat"
      query={query}
      label={t('heatToday')}
      value={text}
      unit={unit}
      worth={
        sum && sum.energyKwh !== null
          ? t('heatWorth', { coverage: formats.percent(sum.coverage) })
          : t(access === 'hidden' ? 'hiddenAddress' : 'noData')
      }
      to={{ show: 'readings', kind: 'heat_meter', span: '24h' }}
    />
  )
}

function RejectedMessages() {
  const { t, formats } = useLanguage()
  const { polls } = usePortal()
  const query = useQuery(polls.delivery)
  const { value } = query
  const rejected = value?.data.reduce((sum, row) => sum + row.rejected, 0) ?? null
  const accepted = value?.data.reduce((sum, row) => sum + row.accepted, 0) ?? null
  const share = rejected === null || !accepted ? null : rejected / accepted
  return (
    <Figure
      name="rejected"
      query={query}
      label={t('undelivered')}
      value={formats.count(rejected)}
      worth={t('undeliveredWorth', {
        share: formats.percent(share),
        accepted: formats.count(accepted),
      })}
    />
  )
}
