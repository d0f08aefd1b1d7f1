import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import { useLanguage } from '../../frame/language.ts'
import type { Delivery } from '../../data/answers.ts'
import { useAnswer, usePortal } from '../../data/hooks.ts'
import { Answered } from '../../parts/answered.tsx'
import { CheckLink } from '../../parts/check-link.tsx'
import { DrillLink } from '../../parts/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'

/** The parts that accepted is the sum of, in this order. */
const PARTS = ['stored', 'rejected', 'duplicate', 'pending'] as const
/** Parts of stored, and what never came. */
const ASIDE = ['late', 'partial', 'lost'] as const
const WORDS = {
  stored: 'stored',
  rejected: 'rejected',
  duplicate: 'duplicate',
  pending: 'pending',
  late: 'lateStored',
  partial: 'partial',
  lost: 'lost',
} as const
const LISTED = 10
const MOST_LISTED = 500

export function DeliverySums() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const answer = useAnswer('/delivery', polls.delivery)
  return (
    <Panel name="delivery" title={t('delivery')} worth={t('deliveryWorth')}>
      <Answered path="/delivery" answer={answer}>
        {({ data }) => (
          <>
            <Sums rows={data} />
            <Devices rows={data} />
          </>
        )}
      </Answered>
    </Panel>
  )
}

type Count = (typeof PARTS)[number] | (typeof ASIDE)[number] | 'accepted'

function sum(rows: readonly Delivery[], name: Count): number {
  return rows.reduce((total, row) => total + row[name], 0)
}

function Sums({ rows }: { readonly rows: readonly Delivery[] }) {
  const { t, formats } = useLanguage()
  const accepted = sum(rows, 'accepted')
  return (
    <>
      <DeliveryBar rows={rows} accepted={accepted} />
      <p class="equation">
        <b data-figure="accepted">{formats.count(accepted)}</b> {t('accepted')} ={' '}
        {PARTS.map((name, at) => (
          <Fragment key={name}>
            {at > 0 && ' + '}
            <span class={`part ${name}`}>
              <b data-figure={name}>{formats.count(sum(rows, name))}</b> {t(WORDS[name])}
            </span>
          </Fragment>
        ))}
      </p>
      <p class="quiet">
        {ASIDE.map((name, at) => (
          <span key={name} title={name === 'lost' ? t('lostTitle') : undefined}>
            {at > 0 && ' · '}
            <b data-figure={name}>{formats.count(sum(rows, name))}</b> {t(WORDS[name])}
          </span>
        ))}
      </p>
    </>
  )
}

function DeliveryBar({
  rows,
  accepted,
}: {
  readonly rows: readonly Delivery[]
  readonly accepted: number
}) {
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

/** Late is no fault of the device that sends what it kept while it had no network. */
function fault(row: Delivery): number {
  return row.rejected + row.duplicate + row.partial + row.lost
}

function trouble(row: Delivery): number {
  return fault(row) + row.late
}

function byTrouble(a: Delivery, b: Delivery): number {
  return fault(b) - fault(a) || b.late - a.late || (a.device < b.device ? -1 : 1)
}

function Devices({ rows }: { readonly rows: readonly Delivery[] }) {
  const { t, formats } = useLanguage()
  const [showsAll, setShowsAll] = useState(false)
  const { polls } = usePortal()
  const kinds = new Map(
    polls.devices.cell.get().value?.data.map(({ id, kind }) => [id, kind] as const) ?? [],
  )
  const troubled = rows.filter((row) => trouble(row) > 0).length
  const sorted = rows.toSorted(byTrouble)
  const listed = showsAll
    ? sorted.slice(0, MOST_LISTED)
    : sorted.slice(0, Math.min(LISTED, troubled))
  return (
    <>
      <h3>
        {t(showsAll ? 'deliveryAll' : 'deliveryTrouble')}
        {rows.length > 0 && (
          <button type="button" class="quiet-button" onClick={() => setShowsAll(!showsAll)}>
            {showsAll ? t('showFewer') : t('showAll', { n: formats.count(rows.length) })}
          </button>
        )}
      </h3>
      {listed.length === 0 ? (
        <p class="fine">{t(rows.length === 0 ? 'noData' : 'deliveryFine')}</p>
      ) : (
        <ScrollTable label={t(showsAll ? 'deliveryAll' : 'deliveryTrouble')}>
          <thead>
            <tr>
              <th scope="col">{t('device')}</th>
              <th scope="col" class="n">
                {t('accepted')}
              </th>
              {[...PARTS, ...ASIDE].map((name) => (
                <th key={name} scope="col" class="n">
                  {t(WORDS[name])}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {listed.map((row) => (
              <DeviceRow key={row.device} row={row} kind={kinds.get(row.device)} />
            ))}
          </tbody>
        </ScrollTable>
      )}
    </>
  )
}

function DeviceRow({ row, kind }: { readonly row: Delivery; readonly kind: string | undefined }) {
  const { formats } = useLanguage()
  const { device } = row
  return (
    <tr data-delivery={device}>
      <th scope="row">
        <DrillLink
          to={{ show: 'readings', device, span: '24h', ...(kind ? { kind } : {}) }}
          what={device}
        >
          {device}
        </DrillLink>{' '}
        <CheckLink device={device} />
      </th>
      <td class="n">{formats.count(row.accepted)}</td>
      {[...PARTS, ...ASIDE].map((name) => (
        <td key={name} class={name !== 'stored' && row[name] > 0 ? 'n warn' : 'n'}>
          {formats.count(row[name])}
        </td>
      ))}
    </tr>
  )
}
