import { KPIS } from '#lib/kpi/catalogue.ts'
import type { Board } from '../files/board-json.ts'
import { countersTable } from '../panels/counters-table.ts'
import type { Panel } from '../panels/panel.ts'
import { seriesPanel } from '../panels/series-panel.ts'
import {
  counterByTenant,
  growth,
  perSecondByDevice,
  perSecondByTenant,
  type Counter,
} from '../queries/delivery.ts'
import { device, site, tenant } from '../queries/variables.ts'

export const delivery: Board = {
  uid: 'padborg-delivery',
  title: 'Throughput and delivery',
  description: 'How much arrives, and how it was processed.',
  span: '6h',
  refresh: '1m',
  variables: [tenant, site, device],
  rows: [
    {
      id: 1,
      title: 'Throughput',
      heightUnits: 8,
      perLine: 2,
      panels: [
        trafficPanel(11, 'Messages per second by tenant', KPIS.messagesPerS, {
          influxql: perSecondByTenant('messages'),
          alias: '[[tag_tenant]]',
        }),
        trafficPanel(12, 'Payload per second by tenant', KPIS.bytesPerS, {
          influxql: perSecondByTenant('bytes'),
          alias: '[[tag_tenant]]',
        }),
        trafficPanel(13, 'Messages per second by device', KPIS.messagesPerS, {
          influxql: perSecondByDevice('messages'),
          alias: '[[tag_device]]',
        }),
        trafficPanel(
          14,
          'Readings per second by device',
          { unit: '1/s', description: 'Readings stored per second; a message may hold several.' },
          { influxql: perSecondByDevice('readings'), alias: '[[tag_device]]' },
        ),
      ],
    },
    {
      id: 2,
      title: 'Delivery',
      heightUnits: 10,
      perLine: 1,
      panels: [
        countersTable({
          id: 21,
          title: 'Counters of each device',
          description:
            'Counted in messages, last values: accepted = stored + rejected + duplicate + ' +
            `pending; late and partial are parts of stored. Lost: ${KPIS.loss.description}`,
        }),
      ],
    },
    {
      id: 3,
      title: 'Over time',
      heightUnits: 8,
      perLine: 3,
      panels: [
        seriesPanel({
          id: 31,
          title: 'Pending by tenant',
          description: 'Messages that are durable and not yet in the store.',
          unit: '',
          minInterval: '1m',
          queries: [{ influxql: counterByTenant('pending'), alias: '[[tag_tenant]]' }],
        }),
        growthPanel(32, 'Lost by device', KPIS.loss.description, ['lost']),
        growthPanel(33, 'Rejected, duplicate and late by device', 'Growth of the counters.', [
          'rejected',
          'duplicate',
          'late',
        ]),
      ],
    },
  ],
}

function trafficPanel(
  id: number,
  title: string,
  { unit, description }: { readonly unit: string; readonly description: string },
  query: { readonly influxql: string; readonly alias: string },
): Panel {
  return seriesPanel({ id, title, description, unit, minInterval: '1m', queries: [query] })
}

function growthPanel(
  id: number,
  title: string,
  description: string,
  names: readonly Counter[],
): Panel {
  return seriesPanel({
    id,
    title,
    description: `${description} Growth from one interval to the next.`,
    unit: '',
    look: 'stacked bars',
    minInterval: '1m',
    queries: [
      {
        influxql: growth(names),
        alias: '[[tag_device]] $col [[tag_node]]',
      },
    ],
  })
}
