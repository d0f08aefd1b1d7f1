import { Fragment } from 'preact'
import type { Delivery } from '../../api/rows.ts'
import { usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { DeliveryByDevice } from './delivery-by-device.tsx'
import { ASIDE, COUNT_WORDS, PARTS, sum } from './delivery-counts.ts'
import './delivery.css'

/** What became of all messages. */
export function DeliveryCounts() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const query = useQuery(polls.delivery)
  return (
    <Panel name="delivery" title={t('delivery')} worth={t('deliveryWorth')}>
      <QueryResult query={query}>
        {({ data }) => (
          <>
            <Sums rows={data} />
            <DeliveryByDevice rows={data} />
          </>
        )}
      </QueryResult>
    </Panel>
  )
}

interface RowsProps {
  readonly rows: readonly Delivery[]
}

function Sums({ rows }: RowsProps) {
  const { t, formats } = useLanguage()
  return (
    <>
      <DeliveryBar rows={rows} />
      <p class="equation">
        <b data-figure="accepted">{formats.count(sum(rows, 'accepted'))}</b> {t('accepted')} ={' '}
        {PARTS.map((name, at) => (
          <Fragment key={name}>
            {at > 0 && ' + '}
            <span class={`part ${name}`}>
              <b data-figure={name}>{formats.count(sum(rows, name))}</b> {t(COUNT_WORDS[name])}
            </span>
          </Fragment>
        ))}
      </p>
      <p class="quiet">
        {ASIDE.map((name, at) => (
          <span key={name} title={name === 'lost' ? t('lostTitle') : undefined}>
            {at > 0 && ' · '}
            <b data-figure={name}>{formats.count(sum(rows, name))}</b> {t(COUNT_WORDS[name])}
          </span>
        ))}
      </p>
    </>
  )
}

function DeliveryBar({ rows }: RowsProps) {
  const accepted = sum(rows, 'accepted')
  if (accepted === 0) return null
  let x = 0
  const parts = PARTS.map((name) => {
    const width = (100 * sum(rows, name)) / accepted
    const part = { name, x, width }
    x += width
    return part
  })
  return (
    <svg class="parts" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      {parts.map(({ name, x, width }) => (
        <rect key={name} class={name} x={x} width={width} height="4" />
      ))}
    </svg>
  )
}
