import { useLanguage } from '../../frame/language.ts'
import type { Heat } from '../../data/answers.ts'
import { useAnswer, usePortal, type Answer } from '../../data/hooks.ts'
import type { HeatBoundary, HeatSpan } from '../../data/portal.ts'
import { NO_VALUE } from '../../frame/formats.ts'
import { Answered } from '../../parts/answered.tsx'
import { ShareBar } from '../../charts/bars.tsx'
import { DrillLink } from '../../parts/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { energyText, energyUnit, sumOf, type EnergyUnit } from './heat-sums.ts'

const SPANS: readonly HeatSpan[] = ['today', '7d', '30d']
const PATH = '/heat/recovered'
const PROVISIONAL_BELOW = 0.95

/** Delivered and handed-off heat stand beside one another and are never added. */
export function HeatByTown() {
  const { t } = useLanguage()
  return (
    <Panel name="heat" title={t('heat')} worth={t('heatMethod')}>
      <div class="heat-tables">
        <HeatTable boundary="delivered" by="town" />
        <HeatTable boundary="handoff" by="data_centre" />
      </div>
      <p class="note">{t('notAdded')}</p>
    </Panel>
  )
}

interface HeatTableProps {
  readonly boundary: HeatBoundary
  readonly by: string
}

type Answers = Readonly<Record<HeatSpan, Answer<{ readonly data: readonly Heat[] }>>>

function HeatTable({ boundary, by }: HeatTableProps) {
  const { t } = useLanguage()
  const polls = usePortal().polls.heat[boundary]
  const answers: Answers = {
    today: useAnswer(PATH, polls.today),
    '7d': useAnswer(PATH, polls['7d']),
    '30d': useAnswer(PATH, polls['30d']),
  }
  return (
    <div class="heat-table">
      <h3>{t(boundary)}</h3>
      <Answered path={PATH} answer={answers.today}>
        {() => <HeatRows {...{ boundary, by, answers }} />}
      </Answered>
    </div>
  )
}

interface HeatRowsProps extends HeatTableProps {
  readonly answers: Answers
}

function HeatRows({ boundary, by, answers }: HeatRowsProps) {
  const { t } = useLanguage()
  const rows = SPANS.map((span) => rowsOf(answers[span].value?.data ?? [], boundary))
  const names = [...new Set(rows.flat().map(({ group }) => group[by] ?? NO_VALUE))].toSorted()
  if (names.length === 0) return <p class="none">{t('noData')}</p>
  const units = rows.map((column) => energyUnit(column.map(({ energyKwh }) => energyKwh)))
  return (
    <table class="heat" data-boundary={boundary}>
      <thead>
        <tr>
          <th scope="col">{t(by === 'town' ? 'town' : 'dataCentre')}</th>
          {SPANS.map((span, at) => (
            <th key={span} scope="col" class="n">
              {t(`heat.${span}`)} <span class="unit">{units[at]}</span>
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
            {rows.map((column, at) => (
              <HeatCell
                key={SPANS[at]}
                heat={column.find(({ group }) => (group[by] ?? NO_VALUE) === name)}
                unit={units[at]}
              />
            ))}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t('total')}</th>
          {rows.map((column, at) => (
            <HeatCell key={SPANS[at]} heat={sumOf(column)} unit={units[at]} />
          ))}
        </tr>
      </tfoot>
    </table>
  )
}

/** An answer may hold rows of both boundaries: only those asked for are shown. */
function rowsOf(rows: readonly Heat[], boundary: HeatBoundary): readonly Heat[] {
  return rows.filter((row) => {
    const of = row.boundary ?? row.group['boundary'] ?? boundary
    return of === boundary
  })
}

interface HeatCellProps {
  readonly heat: Pick<Heat, 'energyKwh' | 'coverage'> | undefined
  readonly unit: EnergyUnit | undefined
}

function HeatCell({ heat, unit }: HeatCellProps) {
  const { t, formats } = useLanguage()
  const coverage = heat?.coverage ?? null
  const isProvisional = coverage !== null && coverage < PROVISIONAL_BELOW
  const title = isProvisional ? `${t('coverageTitle')}; ${t('provisional')}` : t('coverageTitle')
  return (
    <td class="n">
      <span class="energy">{energyText(heat?.energyKwh ?? null, formats, unit).text}</span>
      <ShareBar share={coverage} title={title} />
    </td>
  )
}

/** The name, leading to the readings of its meters. */
function MetersOf({ by, name }: { readonly by: string; readonly name: string }) {
  const devices = useAnswer('/devices', usePortal().polls.devices)
  const setting = by === 'town' ? 'town' : 'dataCentre'
  const role = by === 'town' ? 'delivered' : 'handoff'
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
