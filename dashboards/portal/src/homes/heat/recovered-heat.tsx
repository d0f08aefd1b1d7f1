import type { Heat } from '../../api/rows.ts'
import { ShareBar } from '../../charts/share-bar.tsx'
import { HEAT_SPANS, type HeatBoundary, type HeatSpan } from '../../data/polls.ts'
import { usePortal } from '../../data/use-portal.ts'
import { useQuery, type QueryState } from '../../data/use-query.ts'
import { DrillLink } from '../../links/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { NO_VALUE } from '../../words/formats.ts'
import { useLanguage } from '../../words/use-language.ts'
import { energyText, energyUnit, sumOf, type EnergyUnit, type HeatSum } from './energy.ts'
import './recovered-heat.css'

const PROVISIONAL_BELOW = 0.95

/** Delivered and handed-off heat stand side by side and are never added. */
export function RecoveredHeat() {
  const { t } = useLanguage()
  return (
    <Panel name="heat" title={t('heat')} worth={t('heatMethod')}>
      <div class="heat-tables">
        <HeatTable boundary="delivered" by="town" />
        <HeatTable boundary="handoff" by="dataCentre" />
      </div>
      <p class="note">{t('notAdded')}</p>
    </Panel>
  )
}

interface HeatTableProps {
  readonly boundary: HeatBoundary
  readonly by: 'town' | 'dataCentre'
}

type HeatQueries = Readonly<Record<HeatSpan, QueryState<{ readonly data: readonly Heat[] }>>>

function HeatTable({ boundary, by }: HeatTableProps) {
  const { t } = useLanguage()
  const polls = usePortal().polls.heat[boundary]
  const queries: HeatQueries = {
    today: useQuery(polls.today),
    '7d': useQuery(polls['7d']),
    '30d': useQuery(polls['30d']),
  }
  return (
    <div class="heat-table">
      <h3>{t(boundary)}</h3>
      <QueryResult query={queries.today}>
        {() => <HeatRows {...{ boundary, by, queries }} />}
      </QueryResult>
    </div>
  )
}

interface HeatRowsProps extends HeatTableProps {
  readonly queries: HeatQueries
}

function HeatRows({ boundary, by, queries }: HeatRowsProps) {
  const { t } = useLanguage()
  const columns = HEAT_SPANS.map((span) => {
    const rows = ofBoundary(queries[span].value?.data ?? [], boundary)
    return { span, rows, unit: energyUnit(rows.map(({ energyKwh }) => energyKwh)) }
  })
  const nameOf = ({ group }: Heat) => group[by] ?? NO_VALUE
  const names = [...new Set(columns.flatMap(({ rows }) => rows.map(nameOf)))].toSorted()
  if (names.length === 0) return <p class="none">{t('noData')}</p>
  return (
    <table class="heat" data-boundary={boundary}>
      <thead>
        <tr>
          <th scope="col">{t(by === 'town' ? 'town' : 'dataCentre')}</th>
          {columns.map(({ span, unit }) => (
            <th key={span} scope="col" class="n">
              {t(`heat.${span}`)} <span class="unit">{unit}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <tr key={name} data-place={name}>
            <th scope="row">
              <MetersOf by={by} name={name} />
            </th>
            {columns.map(({ span, rows, unit }) => (
              <HeatCell key={span} heat={rows.find((row) => nameOf(row) === name)} unit={unit} />
            ))}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t('total')}</th>
          {columns.map(({ span, rows, unit }) => (
            <HeatCell key={span} heat={sumOf(rows)} unit={unit} />
          ))}
        </tr>
      </tfoot>
    </table>
  )
}

/** A result may hold rows of both boundaries: only those of one are shown. */
function ofBoundary(rows: readonly Heat[], boundary: HeatBoundary): readonly Heat[] {
  return rows.filter((row) => row.boundary === boundary)
}

interface HeatCellProps {
  readonly heat: HeatSum | undefined
  readonly unit: EnergyUnit
}

function HeatCell({ heat, unit }: HeatCellProps) {
  const { t, formats } = useLanguage()
  const coverage = heat?.coverage ?? null
  const isProvisional = coverage !== null && coverage < PROVISIONAL_BELOW
  const title = isProvisional ? `${t('coverageTitle')}; ${t('provisional')}` : t('coverageTitle')
  return (
    <td class="n">
      <span class="energy">{energyText(heat?.energyKwh ?? null, formats, unit).text}</span>
      <ShareBar share={coverage} isGood={coverage !== null && !isProvisional} title={title} />
    </td>
  )
}

/** The name as a link to the readings of its meters. */
function MetersOf({ by, name }: Pick<HeatTableProps, 'by'> & { readonly name: string }) {
  const devices = useQuery(usePortal().polls.devices)
  const [setting, role] = by === 'town' ? ['town', 'delivered'] : ['dataCentre', 'handoff']
  const meters = devices.value?.data.filter(
    ({ kind, settings }) =>
      kind === 'heat_meter' && settings[setting] === name && (settings['role'] ?? role) === role,
  )
  if (!meters || meters.length === 0) return <>{name}</>
  const device = meters.map(({ id }) => id).join(',')
  return (
    <DrillLink to={{ show: 'readings', kind: 'heat_meter', device, span: '24h' }} what={name}>
      {name}
    </DrillLink>
  )
}
