import { KPIS } from '#lib/kpi/catalogue.ts'
import { PROVISIONAL_BELOW } from '#lib/kpi/heat/recovered-heat.ts'
import type { Board } from '../parts/board.ts'
import {
  coverageOfSpan,
  coveragePerDay,
  energyOfSpan,
  energyPerDay,
  intervalsPerDay,
  type HeatRows,
} from '../parts/heat.ts'
import type { Panel } from '../parts/panel.ts'
import { seriesPanel } from '../parts/series-panel.ts'
import { statPanel } from '../parts/stat-panel.ts'
import { perMonth, tablePanel } from '../parts/table-panel.ts'
import type { Step } from '../parts/thresholds.ts'
import { tenant, timezone, TIME_ZONE } from '../parts/variables.ts'

const COVERAGE =
  'Share of the time that measured intervals cover. Below 95 % a figure is provisional. ' +
  'Over several hours it is the mean of the hours.'

const COVERAGE_STEPS: readonly Step[] = [
  [null, 'red'],
  [PROVISIONAL_BELOW, 'green'],
]

const HANDOFF = 'Where the heat leaves the data centre.'
const DELIVERED = 'Where the heat goes into the heat network, behind the heat pump.'

const BY_DATA_CENTRE: HeatRows = { boundary: 'handoff', by: 'data_centre' }
const BY_TOWN: HeatRows = { boundary: 'delivered', by: 'town' }

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
      panels: [
        totalPanel(11, 'Handed over', HANDOFF, { boundary: 'handoff', by: 'all' }),
        totalPanel(12, 'Delivered', DELIVERED, { boundary: 'delivered', by: 'all' }),
      ],
    },
    {
      id: 2,
      title: 'Handed over, by data centre',
      heightUnits: 9,
      perLine: 2,
      panels: [
        energyPanel(21, 'Heat per day by data centre', HANDOFF, BY_DATA_CENTRE),
        coveragePanel(22, 'Coverage per day by data centre', BY_DATA_CENTRE),
      ],
    },
    {
      id: 3,
      title: 'Delivered, by town',
      heightUnits: 9,
      perLine: 2,
      panels: [
        energyPanel(31, 'Heat per day by town', DELIVERED, BY_TOWN),
        coveragePanel(32, 'Coverage per day by town', BY_TOWN),
      ],
    },
    {
      id: 4,
      title: 'By month',
      heightUnits: 9,
      perLine: 2,
      panels: [
        monthPanel(41, 'Months by data centre', HANDOFF, BY_DATA_CENTRE),
        monthPanel(42, 'Months by town', DELIVERED, BY_TOWN),
      ],
    },
    {
      id: 5,
      title: 'What the figures stand on',
      heightUnits: 8,
      perLine: 2,
      panels: [
        intervalsPanel(51, 'Register intervals, handed over', { boundary: 'handoff', by: 'all' }),
        intervalsPanel(52, 'Register intervals, delivered', { boundary: 'delivered', by: 'all' }),
      ],
    },
  ],
}

function totalPanel(id: number, title: string, where: string, rows: HeatRows): Panel {
  return statPanel({
    id,
    title,
    description: `${where} ${KPIS.recoveredHeat.description}\n\nCoverage: ${COVERAGE}`,
    unit: KPIS.recoveredHeat.unit,
    queries: [energyOfSpan(rows), coverageOfSpan(rows)],
    otherUnits: { B: '1' },
  })
}

function energyPanel(id: number, title: string, where: string, rows: HeatRows): Panel {
  return seriesPanel({
    id,
    title,
    description: `${where} ${KPIS.recoveredHeat.description}`,
    unit: KPIS.recoveredHeat.unit,
    look: 'stacked bars',
    queries: [energyPerDay(rows)],
  })
}

function coveragePanel(id: number, title: string, rows: HeatRows): Panel {
  return seriesPanel({
    id,
    title,
    description: COVERAGE,
    unit: '1',
    max: 1,
    steps: COVERAGE_STEPS,
    queries: [coveragePerDay(rows)],
  })
}

/** Energy may be added up from days to months; the coverage of a month is the mean of its days. */
function monthPanel(id: number, title: string, where: string, rows: HeatRows): Panel {
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

function intervalsPanel(id: number, title: string, rows: HeatRows): Panel {
  return seriesPanel({
    id,
    title,
    description:
      'Intervals between readings of a register: measured, bridged over a gap (the energy is ' +
      'known, when it flowed is not), missing, or excluded as implausible.',
    unit: '',
    look: 'stacked bars',
    queries: [intervalsPerDay(rows)],
  })
}
