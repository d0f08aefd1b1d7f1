import { KPIS } from '#lib/kpi/catalogue.ts'
import { KIND_NAMES, KINDS } from '#lib/telemetry/catalogue.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import type { Board } from '../files/board-json.ts'
import { LIMITS } from '../limits.ts'
import { countersTable } from '../panels/counters-table.ts'
import { panelsOfKind, stableId } from '../panels/kind-panels.ts'
import { latencyBand } from '../panels/latency-band.ts'
import { mapPanel } from '../panels/map-panel.ts'
import { seriesPanel } from '../panels/series-panel.ts'
import { statPanel } from '../panels/stat-panel.ts'
import { growth, perSecondByDevice } from '../queries/delivery.ts'
import { FLEET } from '../queries/kinds.ts'
import { stage } from '../queries/latency.ts'
import { silenceOfChosen } from '../queries/silence.ts'
import { OF_DEVICE, oneDevice, site, tenant } from '../queries/variables.ts'

export const device: Board = {
  uid: 'padborg-device',
  title: 'One device',
  description: 'All figures of one device. The rows of kinds it does not send are empty.',
  span: '3h',
  refresh: '30s',
  variables: [tenant, site, oneDevice, stage],
  rows: [
    {
      id: 1,
      title: 'Now',
      heightUnits: 6,
      perLine: 2,
      panels: [
        statPanel({
          id: 11,
          title: 'Silence',
          description: 'Time since its last message, rejected ones included.',
          unit: 's',
          steps: [
            [null, 'green'],
            [LIMITS.silentSeconds, 'red'],
          ],
          queries: [{ influxql: silenceOfChosen(), alias: '[[tag_device]]' }],
        }),
        countersTable({
          id: 12,
          title: 'Counters',
          description: 'Counted in messages: accepted = stored + rejected + duplicate + pending.',
        }),
      ],
    },
    {
      id: 2,
      title: 'Messages',
      heightUnits: 9,
      perLine: 3,
      panels: [
        seriesPanel(
          latencyBand(
            { id: 21, title: 'Latency ($stage)', about: 'Median to 99th percentile.' },
            { by: 'device', and: [`"key" =~ /^(\${device:regex})$/`] },
          ),
        ),
        seriesPanel({
          id: 22,
          title: 'Messages per second',
          description: KPIS.messagesPerS.description,
          unit: KPIS.messagesPerS.unit,
          minInterval: '1m',
          queries: [{ influxql: perSecondByDevice('messages'), alias: '[[tag_device]]' }],
        }),
        seriesPanel({
          id: 23,
          title: 'Lost, rejected, duplicate and late',
          description: `Growth from one interval to the next. Lost: ${KPIS.loss.description}`,
          unit: '',
          look: 'stacked bars',
          minInterval: '1m',
          queries: [
            {
              influxql: growth(['lost', 'rejected', 'duplicate', 'late']),
              alias: '$col [[tag_node]]',
            },
          ],
        }),
      ],
    },
    {
      id: 3,
      title: 'Position',
      heightUnits: 12,
      perLine: 1,
      panels: [
        mapPanel({
          id: 31,
          title: 'Track',
          description: `The last position of each interval. Colour: ${RADIO_FIELDS.rsrpDbm.description}`,
          unit: RADIO_FIELDS.rsrpDbm.unit,
          colourBy: 'rsrpDbm',
          steps: [
            [null, 'red'],
            [-110, 'yellow'],
            [-95, 'green'],
          ],
          minInterval: '10s',
          queries: [
            {
              influxql:
                `SELECT last("lat") AS "lat", "lon", "rsrpDbm" FROM ${FLEET}` +
                ` WHERE $timeFilter AND ${OF_DEVICE} GROUP BY time($__interval), "device" fill(none)`,
              format: 'table',
            },
          ],
        }),
      ],
    },
    ...KIND_NAMES.map((kind) => ({
      id: stableId(`${kind} row`),
      title: `${kind}: ${KINDS[kind].description}`,
      heightUnits: 8,
      perLine: 2,
      isClosed: true as const,
      panels: panelsOfKind(kind),
    })),
  ],
}
