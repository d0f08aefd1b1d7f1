import { COUNTERS, lastCounters } from '../queries/delivery.ts'
import type { Panel, PanelText } from './panel.ts'
import { summed, tablePanel } from './table-panel.ts'

/** The delivery counters of each chosen device: the rows of several intakes become one. */
export function countersTable(text: Pick<PanelText, 'id' | 'title' | 'description'>): Panel {
  return tablePanel({
    ...text,
    unit: '',
    queries: [{ influxql: lastCounters(), format: 'table' }],
    columns: ['tenant', 'device', ...COUNTERS],
    transformations: [summed(['tenant', 'device'], COUNTERS)],
    names: Object.fromEntries(COUNTERS.map((name) => [`${name} (sum)`, name])),
  })
}
