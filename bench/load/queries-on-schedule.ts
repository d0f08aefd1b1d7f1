import { ADMIN_KEY } from '../../tests/support/platform.ts'
import { onSchedule, quantile } from './on-schedule.ts'

/** Queries of a wall of dashboards: in turn, each for its own span of the last hour. */
const ADDRESSES = [
  '/last-values?kind=truck&limit=1000',
  '/kpi/latency?stage=age&by=kind&every=1m&FROM',
  '/kpi/latency?stage=age&by=rat&FROM',
  '/kpi/throughput?every=1m&FROM',
  '/kpi/loss?by=kind&FROM',
  '/delivery?limit=1000',
  '/readings?kind=truck&device=DEVICE&order=desc&limit=100&FROM',
  '/rejections?limit=20&FROM',
  '/heat/recovered?by=town&every=1h&FROM',
  '/kpi/latency?stage=age&device=DEVICE&every=1m&FROM',
]

export interface QueryFigures {
  readonly sent: number
  readonly succeeded: number
  /** Busy, or over the time limit. */
  readonly refused: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Sends `perS` queries a second, on time whether or not the earlier ones have results. */
export async function queriesOnSchedule(
  http: number,
  { perS, seconds }: { readonly perS: number; readonly seconds: number },
): Promise<QueryFigures> {
  const sent = perS * seconds
  const times = await onSchedule({ perS, seconds }, (n) => sendQuery(http, n))
  return {
    sent,
    succeeded: times.length,
    refused: sent - times.length,
    p50Ms: Math.round(quantile(times, 0.5)),
    p99Ms: Math.round(quantile(times, 0.99)),
  }
}

/** False where the platform refused for lack of time. */
async function sendQuery(http: number, n: number): Promise<boolean> {
  // Dashboards draw whole minutes, so those that watch the same send the same query.
  const from = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000).toISOString()
  const address = (ADDRESSES[n % ADDRESSES.length] ?? '')
    .replace('FROM', `from=${from}`)
    .replace('DEVICE', `bench.truck-${String((n * 37) % 1000).padStart(5, '0')}`)
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  const response = await fetch(`http://127.0.0.1:${http}/api/v1${address}`, { headers })
  const text = await response.text()
  if (!response.ok && ![503, 504].includes(response.status)) {
    throw new Error(`${address}: ${text.slice(0, 300)}`)
  }
  return response.ok
}
