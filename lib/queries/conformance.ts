import { conformanceRow, conformanceRowOf } from './conformance-row.ts'
import { mergeConformance } from './merge-conformance.ts'
import { defineQuery, type DeviceQuery } from './query.ts'

export const conformance = defineQuery({
  path: '/devices/:id/conformance',
  permission: 'conformance:read',
  tag: 'registry',
  summary: 'What is right and wrong with what a device sends',
  parameters: {},
  row: conformanceRow,
  scope: 'devices',
  shape: 'object',
  sources: ['state'],
  toQuery: (_, { scope, device }): DeviceQuery => ({ scope, device }),
  async answer({ store, state, signal }, { device }) {
    const report = await state.conformance(device, (scan) => store.readings(scan, signal))
    return { rows: [conformanceRowOf(report)] }
  },
  merge: (results) => ({ rows: [mergeConformance(results.flatMap(({ rows }) => rows))] }),
})
