import { setting, type SectionValues } from './setting.ts'
import { milliseconds, whole } from './setting-values.ts'

/** Queries of the store. */
export const QUERIES = {
  queryTimeoutMs: setting(
    'PADBORG_QUERY_TIMEOUT_MS',
    whole(100, 600_000),
    '10000',
    'A query is cancelled after that.',
  ),
  queryConcurrency: setting(
    'PADBORG_QUERY_CONCURRENCY',
    whole(1, 16),
    '2',
    'Queries that run at once; for more than 4 set UV_THREADPOOL_SIZE to 4 more than that.',
  ),
  queryQueue: setting(
    'PADBORG_QUERY_QUEUE',
    whole(1, 10_000),
    '200',
    'Queries that may wait; more are refused with 503.',
  ),
}
export type QuerySettings = SectionValues<typeof QUERIES>

export const API = {
  exportMaxRows: setting(
    'PADBORG_EXPORT_MAX_ROWS',
    whole(1, 1_000_000_000),
    '5000000',
    'Readings in one Parquet file; a query with more is refused.',
  ),
  readyLagMs: setting(
    'PADBORG_READY_LAG_SECONDS',
    milliseconds(1, 86_400),
    '30',
    'Lag of the writer at which /health/ready answers 503.',
  ),
}
export type ApiSettings = SectionValues<typeof API>

/** Live streams of readings. */
export const LIVE = {
  viewers: setting(
    'PADBORG_LIVE_VIEWERS',
    whole(1, 10_000),
    '200',
    'Live streams at once; more are refused with 503.',
  ),
  viewersPerTenant: setting(
    'PADBORG_LIVE_VIEWERS_PER_TENANT',
    whole(1, 10_000),
    '100',
    'The same for one tenant; a key without a tenant has only the limit of keys.',
  ),
  viewersPerKey: setting(
    'PADBORG_LIVE_VIEWERS_PER_KEY',
    whole(1, 10_000),
    '20',
    'The same for one key.',
  ),
  queue: setting(
    'PADBORG_LIVE_QUEUE',
    whole(1, 1_000_000),
    '1000',
    'Events that wait for one viewer; a slower one loses them and receives a gap.',
  ),
  horizonMs: setting(
    'PADBORG_LIVE_HORIZON_SECONDS',
    milliseconds(0, 31_536_000),
    '3600',
    'How far back a live stream is resumed from the store; beyond it there is one gap.',
  ),
  heartbeatMs: setting(
    'PADBORG_LIVE_HEARTBEAT_SECONDS',
    milliseconds(0.05, 3600),
    '15',
    'How often a live stream sends its position.',
  ),
}
export type LiveSettings = SectionValues<typeof LIVE>
