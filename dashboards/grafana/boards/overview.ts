import { KPIS } from '#lib/kpi/catalogue.ts'
import { POSITION_FIELDS } from '#lib/telemetry/position.ts'
import type { Board } from '../files/board-json.ts'
import { LIMITS } from '../limits.ts'
import { latencyBand } from '../panels/latency-band.ts'
import { mapPanel } from '../panels/map-panel.ts'
import type { Panel } from '../panels/panel.ts'
import { seriesPanel } from '../panels/series-panel.ts'
import { statPanel } from '../panels/stat-panel.ts'
import { tablePanel } from '../panels/table-panel.ts'
import { growthOfSpan, perSecondByTenant } from '../queries/delivery.ts'
import { coverageOfSpan, energyOfSpan } from '../queries/heat.ts'
import { FLEET } from '../queries/kinds.ts'
import { latencyRows } from '../queries/latency.ts'
import {
  SILENCE_COLUMNS,
  devicesHeard,
  devicesSilent,
  silenceOfTenants,
} from '../queries/silence.ts'
import { OF_TENANT, OF_TENANT_DEVICES, tenant } from '../queries/variables.ts'

const NOW: readonly Panel[] = [
  statPanel({
    id: 11,
    title: 'Messages per second',
    description: `${KPIS.messagesPerS.description} Of the last minute that has ended.`,
    unit: KPIS.messagesPerS.unit,
    queries: [
      {
        influxql:
          'SELECT sum("messages") / 60 AS "messages/s" FROM "delivery_minute"' +
          ` WHERE $timeFilter AND ${OF_TENANT} GROUP BY time(1m) fill(none)`,
      },
    ],
  }),
  statPanel({
    id: 12,
    title: 'Devices heard',
    description: 'Devices that sent something in the last 15 minutes.',
    unit: '',
    noValue: 'none',
    queries: [{ influxql: devicesHeard(), alias: 'heard' }],
  }),
  statPanel({
    id: 13,
    title: 'Devices silent',
    description: 'Devices that have sent nothing for 15 minutes.',
    unit: '',
    noValue: 'none',
    steps: [
      [null, 'green'],
      [1, 'red'],
    ],
    queries: [{ influxql: devicesSilent(), alias: 'silent' }],
  }),
  statPanel({
    id: 14,
    title: 'Writer lag',
    description: 'Age of the oldest message that is durable and not yet in the store.',
    unit: 's',
    steps: [
      [null, 'green'],
      [LIMITS.lagSeconds, 'red'],
    ],
    queries: [
      {
        influxql:
          'SELECT last("lagSeconds") AS "lag" FROM "pipeline" WHERE $timeFilter GROUP BY "node"',
        alias: 'lag',
      },
    ],
  }),
  statPanel({
    id: 15,
    title: 'Rejected',
    description: 'Messages rejected in the chosen span; a replayed one no longer counts.',
    unit: '',
    queries: [{ influxql: growthOfSpan('rejected'), alias: 'rejected' }],
  }),
  statPanel({
    id: 16,
    title: 'Heat handed over',
    description: `${KPIS.recoveredHeat.description} In the chosen span, with its coverage.`,
    unit: KPIS.recoveredHeat.unit,
    queries: [
      energyOfSpan({ boundary: 'handoff', by: 'all' }),
      coverageOfSpan({ boundary: 'handoff', by: 'all' }),
    ],
    otherUnits: { B: '1' },
  }),
]

export const overview: Board = {
  uid: 'padborg-overview',
  title: 'Testbed overview',
  description: 'Devices that send, latency, positions, and the heat handed over.',
  span: '6h',
  refresh: '30s',
  variables: [tenant],
  rows: [
    { id: 1, title: 'Now', heightUnits: 5, perLine: 6, panels: NOW },
    {
      id: 2,
      title: 'Traffic and latency',
      heightUnits: 9,
      perLine: 3,
      panels: [
        seriesPanel({
          id: 21,
          title: 'Messages per second',
          description: KPIS.messagesPerS.description,
          unit: KPIS.messagesPerS.unit,
          minInterval: '1m',
          queries: [{ influxql: perSecondByTenant('messages'), alias: '[[tag_tenant]]' }],
        }),
        seriesPanel(
          latencyBand(
            { id: 22, title: 'Age of messages', about: 'Median to 99th percentile.' },
            { by: 'all', stage: 'age' },
          ),
        ),
        seriesPanel({
          id: 23,
          title: 'Messages by RAT',
          description: 'Messages of each minute by radio access technology.',
          unit: '',
          look: 'stacked bars',
          minInterval: '1m',
          queries: [latencyRows('sum("n") AS "n"', { by: 'rat', stage: 'age' })],
        }),
      ],
    },
    {
      id: 3,
      title: 'Devices',
      heightUnits: 12,
      perLine: 2,
      panels: [
        mapPanel({
          id: 31,
          title: 'Last positions',
          description:
            'The last position of each device in the chosen span. Colour: ' +
            POSITION_FIELDS.speedKmh.description,
          unit: POSITION_FIELDS.speedKmh.unit,
          colourBy: 'speedKmh',
          steps: [
            [null, 'blue'],
            [1, 'green'],
          ],
          queries: [
            {
              influxql:
                `SELECT last("lat") AS "lat", "lon", "speedKmh" FROM ${FLEET}` +
                ` WHERE $timeFilter AND ${OF_TENANT_DEVICES} GROUP BY "device"`,
              format: 'table',
            },
          ],
        }),
        tablePanel({
          id: 32,
          title: 'Silence of each device',
          description: 'Time since the last message of each device, rejected ones included.',
          unit: 's',
          queries: [{ influxql: silenceOfTenants(), format: 'table' }],
          columns: SILENCE_COLUMNS,
        }),
      ],
    },
  ],
}
