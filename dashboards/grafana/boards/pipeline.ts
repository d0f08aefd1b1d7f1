import type { Board } from '../files/board-json.ts'
import { LIMITS } from '../limits.ts'
import { latencyBand } from '../panels/latency-band.ts'
import type { Panel } from '../panels/panel.ts'
import { seriesPanel } from '../panels/series-panel.ts'
import { statPanel } from '../panels/stat-panel.ts'
import { tablePanel } from '../panels/table-panel.ts'
import type { Step } from '../panels/thresholds.ts'
import { OWN_STAGES } from '../queries/latency.ts'
import { SILENCE_COLUMNS, silenceOfAll } from '../queries/silence.ts'

const BAD_ABOVE_ZERO: readonly Step[] = [
  [null, 'green'],
  [1, 'red'],
]
const LAG_STEPS: readonly Step[] = [
  [null, 'green'],
  [LIMITS.lagSeconds, 'red'],
]

const OF_SPAN = 'FROM "pipeline" WHERE $timeFilter'
const PER_INTERVAL = 'GROUP BY time($__interval), "node" fill(none)'

const LAG = 'Age of the oldest message that is durable and not yet in the store.'

export const pipeline: Board = {
  uid: 'padborg-pipeline',
  title: 'Pipeline health',
  description: 'Whether messages are made durable and stored in time.',
  span: '3h',
  refresh: '10s',
  variables: [],
  rows: [
    {
      id: 1,
      title: 'Now',
      heightUnits: 5,
      perLine: 4,
      panels: [
        lastPanel(11, 'Writer lag', LAG, { field: 'lagSeconds', unit: 's', steps: LAG_STEPS }),
        lastPanel(12, 'Held', '1 while publishers are not read from: disk full or writer behind.', {
          field: 'held',
          unit: '',
          steps: BAD_ABOVE_ZERO,
        }),
        lastPanel(13, 'Problems', 'Reasons why /health/ready returns 503.', {
          field: 'problems',
          unit: '',
          steps: BAD_ABOVE_ZERO,
        }),
        lastPanel(14, 'Certificate', 'Days until the TLS certificate expires; empty without TLS.', {
          field: 'certificateDays',
          unit: 'd',
          steps: [
            [null, 'red'],
            [LIMITS.certificateDays, 'green'],
          ],
        }),
      ],
    },
    {
      id: 2,
      title: 'Journal and writer',
      heightUnits: 8,
      perLine: 3,
      panels: [
        gaugePanel(21, 'Lag in messages', 'Durable messages that are not yet in the store.', {
          field: 'lagMessages',
          unit: '',
        }),
        gaugePanel(22, 'Lag in time', LAG, { field: 'lagSeconds', unit: 's', steps: LAG_STEPS }),
        gaugePanel(23, 'Journal', 'Bytes of all journal segments.', {
          field: 'journalBytes',
          unit: 'By',
        }),
      ],
    },
    {
      id: 3,
      title: 'Messages',
      heightUnits: 8,
      perLine: 3,
      panels: [
        ratePanel(31, 'Messages per second', 'Messages by outcome, per second.', [
          'accepted',
          'stored',
          'rejected',
          'duplicate',
        ]),
        rejectedShare(),
        ratePanel(
          33,
          'Group commits per second',
          'Syncs of the journal; failed ones are written again.',
          ['syncs', 'failedSyncs'],
        ),
      ],
    },
    {
      id: 4,
      title: 'Inside the platform',
      heightUnits: 8,
      perLine: 2,
      panels: OWN_STAGES.map((stage, at) =>
        seriesPanel(
          latencyBand(
            { id: 41 + at, title: `Time until ${stage}`, about: 'Median to 99th percentile.' },
            { by: 'all', stage, isOverAll: true },
          ),
        ),
      ),
    },
    {
      id: 5,
      title: 'Devices',
      heightUnits: 10,
      perLine: 1,
      panels: [
        tablePanel({
          id: 51,
          title: 'Silence of each device',
          description: 'Time since the last message of each device, rejected ones included.',
          unit: 's',
          queries: [{ influxql: silenceOfAll(), format: 'table' }],
          columns: SILENCE_COLUMNS,
        }),
      ],
    },
  ],
}

interface Measured {
  readonly field: string
  readonly unit: string
  readonly steps?: readonly Step[]
}

function lastPanel(id: number, title: string, description: string, measured: Measured): Panel {
  const { field, unit, steps } = measured
  return statPanel({
    id,
    title,
    description,
    unit,
    ...(steps ? { steps } : {}),
    queries: [
      {
        influxql: `SELECT last("${field}") AS "${field}" ${OF_SPAN} GROUP BY "node"`,
        alias: '[[tag_node]]',
      },
    ],
  })
}

/** The largest value of each interval, so that short peaks stay visible. */
function gaugePanel(id: number, title: string, description: string, measured: Measured): Panel {
  const { field, unit, steps } = measured
  return seriesPanel({
    id,
    title,
    description: `${description} Largest value of the interval.`,
    unit,
    minInterval: '10s',
    ...(steps ? { steps } : {}),
    queries: [
      {
        influxql: `SELECT max("${field}") AS "${field}" ${OF_SPAN} ${PER_INTERVAL}`,
        alias: '[[tag_node]]',
      },
    ],
  })
}

/** Totals start again at zero when a platform restarts; that is not a negative rate. */
function ratePanel(
  id: number,
  title: string,
  description: string,
  fields: readonly string[],
): Panel {
  const columns = fields
    .map((field) => `non_negative_derivative(last("${field}"), 1s) AS "${field}"`)
    .join(', ')
  return seriesPanel({
    id,
    title,
    description,
    unit: '1/s',
    minInterval: '10s',
    queries: [
      {
        influxql: `SELECT ${columns} ${OF_SPAN} ${PER_INTERVAL}`,
        alias: '[[tag_node]] $col',
      },
    ],
  })
}

function rejectedShare(): Panel {
  return seriesPanel({
    id: 32,
    title: 'Share of rejected messages',
    description: 'Rejected messages over accepted ones, of the messages of each interval.',
    unit: '1',
    minInterval: '1m',
    steps: [
      [null, 'green'],
      [LIMITS.rejectedShare, 'red'],
    ],
    queries: [
      {
        influxql:
          'SELECT non_negative_difference(last("rejected")) / ' +
          `non_negative_difference(last("accepted")) AS "share" ${OF_SPAN} ${PER_INTERVAL}`,
        alias: '[[tag_node]]',
      },
    ],
  })
}
