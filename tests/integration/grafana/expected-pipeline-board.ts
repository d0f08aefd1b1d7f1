import { last, max, type Expected } from './expected-rows.ts'
import { lastOf, lastOfPipeline, MINUTE_MS, percentiles, silence } from './expected-series.ts'

const BOARD = 'padborg-pipeline'
const ALL_TENANTS = (tenant: string) => tenant === '_all'

export function pipelineBoard(): Record<string, Expected> {
  const nodes = { from: 'pipeline', group: ['node'], every: MINUTE_MS }
  const largest = (field: string): Expected => ({ ...nodes, columns: { [field]: max(field) } })
  const rate = (names: readonly string[]): Expected => ({
    ...nodes,
    growth: 'per second',
    columns: lastOf(names),
  })
  const band = (stage: string) =>
    percentiles(
      { by: 'all', stage, isTenant: ALL_TENANTS },
      { p50: last('p50Ms'), p95: last('p95Ms'), p99: last('p99Ms') },
    )
  return {
    [`${BOARD}/11/A`]: lastOfPipeline('lagSeconds'),
    [`${BOARD}/12/A`]: lastOfPipeline('held'),
    [`${BOARD}/13/A`]: lastOfPipeline('problems'),
    [`${BOARD}/14/A`]: lastOfPipeline('certificateDays'),
    [`${BOARD}/21/A`]: largest('lagMessages'),
    [`${BOARD}/22/A`]: largest('lagSeconds'),
    [`${BOARD}/23/A`]: largest('journalBytes'),
    [`${BOARD}/31/A`]: rate(['accepted', 'stored', 'rejected', 'duplicate']),
    [`${BOARD}/32/A`]: {
      ...nodes,
      // Of the seed, node a rejects 1 of 100 messages and node b 2.
      columns: { share: ([point]) => (point?.tags['node']?.endsWith('a') ? 0.01 : 0.02) },
    },
    [`${BOARD}/33/A`]: rate(['syncs', 'failedSyncs']),
    [`${BOARD}/41/A`]: band('durable'),
    [`${BOARD}/42/A`]: band('stored'),
    [`${BOARD}/51/A`]: silence(() => true),
  }
}
