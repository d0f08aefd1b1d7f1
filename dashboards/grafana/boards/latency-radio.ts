import { KPIS } from '#lib/kpi/catalogue.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import type { Board } from '../files/board-json.ts'
import { latencyBand } from '../panels/latency-band.ts'
import { mapPanel } from '../panels/map-panel.ts'
import type { Panel } from '../panels/panel.ts'
import { seriesPanel } from '../panels/series-panel.ts'
import type { Step } from '../panels/thresholds.ts'
import { FLEET } from '../queries/kinds.ts'
import { latencyRows, percentileMinutes, stage, STAGE_SENTENCES } from '../queries/latency.ts'
import { device, OF_DEVICE, oneOf, rat, site, tenant } from '../queries/variables.ts'

const OF_RAT_KEY = '"key" =~ /^(${rat:regex})$/'
const OF_RAT = '"rat" =~ /^(${rat:regex})$/'

/** RSRP as engineers read it in the field: poor, usable, good. */
const RSRP_STEPS: readonly Step[] = [
  [null, 'red'],
  [-110, 'yellow'],
  [-95, 'green'],
]

export const latencyRadio: Board = {
  uid: 'padborg-latency-radio',
  title: 'Latency and radio',
  description: `${KINDS.radio.description} Latency per minute by RAT, cell and operator.`,
  span: '6h',
  refresh: '1m',
  variables: [
    tenant,
    site,
    device,
    rat,
    stage,
    oneOf('by', 'Worst minute by', ['rat', 'cell', 'operator', 'band', 'kind', 'device', 'tenant']),
  ],
  rows: [
    {
      id: 1,
      title: 'Latency by RAT',
      heightUnits: 9,
      perLine: 1,
      panels: [
        seriesPanel({
          ...latencyBand(
            {
              id: 11,
              title: 'Latency ($stage) on $rat',
              about: 'Median, 95th and 99th percentile of the messages of a minute.',
            },
            { by: 'rat', and: [OF_RAT_KEY] },
          ),
          repeat: 'rat',
        }),
      ],
    },
    {
      id: 2,
      title: 'By RAT, cell and operator',
      heightUnits: 9,
      perLine: 3,
      panels: [
        p95Panel(21, 'rat', 'RAT', [OF_RAT_KEY]),
        p95Panel(22, 'cell', 'cell'),
        p95Panel(23, 'operator', 'operator'),
      ],
    },
    {
      id: 3,
      title: 'Data behind the figures',
      heightUnits: 8,
      perLine: 4,
      panels: [
        seriesPanel({
          id: 31,
          title: 'Messages counted by RAT',
          description:
            'How many messages the percentiles are computed from. With few, a percentile is unreliable.',
          unit: '',
          look: 'stacked bars',
          minInterval: '1m',
          queries: [latencyRows('sum("n") AS "n"', { by: 'rat', and: [OF_RAT_KEY] })],
        }),
        seriesPanel({
          id: 32,
          title: 'Clock bound by RAT',
          description:
            `${KPIS.clockOffset.description} The largest bound of the interval; uplink latency is ` +
            'true within it.',
          unit: KPIS.clockOffset.unit,
          minInterval: '1m',
          queries: [
            latencyRows('max("clockBoundMs") AS "bound"', { by: 'rat', and: [OF_RAT_KEY] }),
          ],
        }),
        seriesPanel({
          id: 33,
          title: 'Negative latencies by RAT',
          description:
            'Messages received before the time at which their clock says they were sent: a clock is wrong.',
          unit: '',
          look: 'stacked bars',
          minInterval: '1m',
          queries: [latencyRows('sum("negative") AS "negative"', { by: 'rat', and: [OF_RAT_KEY] })],
        }),
        seriesPanel({
          id: 34,
          title: 'Worst minute by $by: highest p99',
          description:
            'For long spans: of each interval the minute with the highest 99th percentile. ' +
            'It is not the 99th percentile of the interval; that needs /kpi/latency?every= of the API.\n\n' +
            STAGE_SENTENCES,
          unit: KPIS.age.unit,
          minInterval: '1m',
          queries: [latencyRows('max("p99Ms") AS "worst minute"', { by: '${by:raw}' })],
        }),
      ],
    },
    {
      id: 4,
      title: 'Radio',
      heightUnits: 12,
      perLine: 2,
      panels: [rsrpMap(), radioPanel(42, 'rsrpDbm', RSRP_STEPS)],
    },
    {
      id: 5,
      title: 'Radio quality',
      heightUnits: 8,
      perLine: 2,
      panels: [radioPanel(51, 'rsrqDb'), radioPanel(52, 'sinrDb')],
    },
  ],
}

function p95Panel(id: number, by: string, word: string, and: readonly string[] = []): Panel {
  return seriesPanel({
    id,
    title: `p95 ($stage) by ${word}`,
    description:
      `The 95th percentile of each minute and ${word}; percentiles are never averaged.\n\n` +
      STAGE_SENTENCES,
    unit: KPIS.age.unit,
    queries: [percentileMinutes(['p95'], { by, and })],
  })
}

/** The weakest reading of each device and interval where it was measured: positions are not averaged. */
function rsrpMap(): Panel {
  return mapPanel({
    id: 41,
    title: 'RSRP map',
    description:
      `${RADIO_FIELDS.rsrpDbm.description} The weakest reading of each device and interval, at ` +
      'the place where it was measured.',
    unit: RADIO_FIELDS.rsrpDbm.unit,
    colourBy: 'rsrpDbm',
    steps: RSRP_STEPS,
    minInterval: '10s',
    queries: [
      {
        influxql:
          `SELECT min("rsrpDbm") AS "rsrpDbm", "lat", "lon" FROM ${FLEET}` +
          ` WHERE $timeFilter AND ${OF_DEVICE} AND ${OF_RAT}` +
          ' GROUP BY time($__interval), "device", "rat" fill(none)',
        format: 'table',
      },
    ],
  })
}

function radioPanel(
  id: number,
  field: 'rsrpDbm' | 'rsrqDb' | 'sinrDb',
  steps?: readonly Step[],
): Panel {
  const { unit, description } = RADIO_FIELDS[field]
  return seriesPanel({
    id,
    title: `${field} by device and RAT`,
    description: `${description} Mean of the interval.`,
    unit,
    isFromZero: false,
    minInterval: '10s',
    ...(steps ? { steps } : {}),
    queries: [
      {
        influxql:
          `SELECT mean("${field}") AS "${field}" FROM ${FLEET}` +
          ` WHERE $timeFilter AND ${OF_DEVICE} AND ${OF_RAT}` +
          ' GROUP BY time($__interval), "device", "rat" fill(none)',
        alias: '[[tag_device]] [[tag_rat]]',
      },
    ],
  })
}
