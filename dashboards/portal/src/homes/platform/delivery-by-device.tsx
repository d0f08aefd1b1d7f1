import { useState } from 'preact/hooks'
import type { Delivery } from '../../api/rows.ts'
import { usePortal } from '../../data/use-portal.ts'
import { CheckLink } from '../../devices/check-link.tsx'
import { DrillLink } from '../../links/drill-link.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { ASIDE, byFaults, COUNT_WORDS, hasProblem, PARTS } from './delivery-counts.ts'

const LISTED = 10
const MAX_LISTED = 500

/** Devices that need attention, or all of them. */
export function DeliveryByDevice({ rows }: { readonly rows: readonly Delivery[] }) {
  const { t, formats } = useLanguage()
  const [showsAll, setShowsAll] = useState(false)
  const faulty = rows.filter(hasProblem).length
  const listed = rows.toSorted(byFaults).slice(0, showsAll ? MAX_LISTED : Math.min(LISTED, faulty))
  const title = t(showsAll ? 'deliveryAll' : 'deliveryTrouble')
  return (
    <>
      <h3>
        {title}
        {rows.length > 0 && (
          <button type="button" class="quiet-button" onClick={() => setShowsAll(!showsAll)}>
            {showsAll ? t('showFewer') : t('showAll', { n: formats.count(rows.length) })}
          </button>
        )}
      </h3>
      {listed.length === 0 ? (
        <p class="fine">{t(rows.length === 0 ? 'noData' : 'deliveryFine')}</p>
      ) : (
        <DeviceTable rows={listed} label={title} />
      )}
    </>
  )
}

interface DeviceTableProps {
  readonly rows: readonly Delivery[]
  readonly label: string
}

function DeviceTable({ rows, label }: DeviceTableProps) {
  const { t } = useLanguage()
  const devices = usePortal().polls.devices.cell.get().value?.data ?? []
  const kinds = new Map(devices.map(({ id, kind }) => [id, kind]))
  return (
    <ScrollTable label={label}>
      <thead>
        <tr>
          <th scope="col">{t('device')}</th>
          <th scope="col" class="n">
            {t('accepted')}
          </th>
          {[...PARTS, ...ASIDE].map((name) => (
            <th key={name} scope="col" class="n">
              {t(COUNT_WORDS[name])}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <DeviceRow key={row.device} row={row} kind={kinds.get(row.device)} />
        ))}
      </tbody>
    </ScrollTable>
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
        <td key={name} class={name !== 'stored' && (row[name] ?? 0) > 0 ? 'n warn' : 'n'}>
          {formats.count(row[name])}
        </td>
      ))}
    </tr>
  )
}
