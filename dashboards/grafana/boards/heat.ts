import { KPIS } from '#lib/kpi/catalogue.ts'
import { PROVISIONAL_BELOW } from '#lib/kpi/heat/recovered-heat.ts'
import type { Board, Row } from '../files/board-json.ts'
import type { Panel } from '../panels/panel.ts'
import { seriesPanel } from '../panels/series-panel.ts'
import { statPanel } from '../panels/stat-panel.ts'
import { perMonth, tablePanel } from '../panels/table-panel.ts'
import type { Step } from '../panels/thresholds.ts'
import {
  coverageOfSpan,
  coveragePerDay,
  energyOfSpan,
  energyPerDay,
  intervalsPerDay,
  type HeatRows,
} from '../queries/heat.ts'
import { tenant, timezone, TIME_ZONE } from '../queries/variables.ts'

const COVERAGE =
  'Share of the time that measured intervals cover. Below 95 % a figure is provisional. ' +
  'Over several hours it is the mean of the hours.'

const COVERAGE_STEPS: readonly Step[] = [
  [null, 'red'],
  [PROVISIONAL_BELOW, 'green'],
]

/** One boundary of the heat, and what divides it. */
interface Part {
  readonly where: string
  readonly by: string
  readonly rows: HeatRows
}

const HANDOFF: Part = {
  where: 'Where the heat leaves the data centre.',
  by: 'data centre',
  rows: { boundary: 'handoff', by: 'data_centre' },
}
const DELIVERED: Part = {
  where: 'Where the heat enters the heat network, after the heat pump.',
  by: 'town',
  rows: { boundary: 'delivered', by: 'town' },
}

export const heat: Board = {
  uid: 'padborg-heat',
  title: 'Heat recovery',
  description: KPIS.recoveredHeat.description,
  span: '30d',
  refresh: '15m',
  timeZone: TIME_ZONE,
  variables: [tenant, timezone],
  rows: [
    {
      id: 1,
      title: 'In the chosen span',
      heightUnits: 5,
      perLine: 2,
      panels: [totalPanel(11, 'Handed over', HANDOFF), totalPanel(12, 'Delivered', DELIVERED)],
    },
    partRow(2, 'Handed over, by data centre', HANDOFF),
    partRow(3, 'Delivered, by town', DELIVERED),
    {
      id: 4,
      title: 'By month',
      heightUnits: 9,
      perLine: 2,
      panels: [
        monthPanel(41, 'Months by data centre', HANDOFF),
        monthPanel(42, 'Months by town', DELIVERED),
      ],
    },
    {
      id: 5,
      title: 'Data behind the figures',
      heightUnits: 8,
      perLine: 2,
      panels: [
        intervalsPanel(51, 'Register intervals, handed over', HANDOFF),
        intervalsPanel(52, 'Register intervals, delivered', DELIVERED),
      ],
    },
  ],
}

/** Heat and coverage per day, side by side. */
function partRow(id: number, title: string, part: Part): Row {
  const panels = [energyPanel(10 * id + 1, part), coveragePanel(10 * id + 2, part)]
  return { id, title, heightUnits: 9, perLine: 2, panels }
}

function totalPanel(id: number, title: string, { where, rows }: Part): Panel {
  const all: HeatRows = { ...rows, by: 'all' }
  return statPanel({
    id,
    title,
    description: `${where} ${KPIS.recoveredHeat.description}\n\nCoverage: ${COVERAGE}`,
    unit: KPIS.recoveredHeat.unit,
    queries: [energyOfSpan(all), coverageOfSpan(all)],
    otherUnits: { B: '1' },
  })
}

function energyPanel(id: number, { where, by, rows }: Part): Panel {
  return seriesPanel({
    id,
    title: `Heat per day by ${by}`,
    description: `${where} ${KPIS.recoveredHeat.description}`,
    unit: KPIS.recoveredHeat.unit,
    look: 'stacked bars',
    queries: [energyPerDay(rows)],
  })
}

function coveragePanel(id: number, { by, rows }: Part): Panel {
  return seriesPanel({
    id,
    title: `Coverage per day by ${by}`,
    description: COVERAGE,
    unit: '1',
    max: 1,
    steps: COVERAGE_STEPS,
    queries: [coveragePerDay(rows)],
  })
}

/** The energy of a month is the sum of its days, its coverage their mean. */
function monthPanel(id: number, title: string, { where, rows }: Part): Panel {
  return tablePanel({
    id,
    title,
    description: `${where} ${KPIS.recoveredHeat.description}\n\nCoverage: ${COVERAGE}`,
    unit: KPIS.recoveredHeat.unit,
    queries: [energyPerDay(rows), coveragePerDay(rows)].map(({ influxql }) => ({
      influxql,
      format: 'table',
    })),
    transformations: perMonth(['tenant', 'key'], { energyKwh: 'sum', coverage: 'mean' }),
    columns: ['Time', 'tenant', 'key', 'energyKwh (sum)', 'coverage (mean)'],
    columnUnits: { 'coverage (mean)': '1' },
  })
}

function intervalsPanel(id: number, title: string, { rows }: Part): Panel {
  return seriesPanel({
    id,
    title,
    description:
      'Intervals between readings of a register: measured, bridged over a gap (the energy is ' +
      'known, when it flowed is not), missing, or excluded as implausible.',
    unit: '',
    look: 'stacked bars',
    queries: [intervalsPerDay({ ...rows, by: 'all' })],
  })
}
