import { ADMIN_KEY } from '../tests/support/platform.ts'
import { median } from './machine.ts'

/** Questions as a wall of dashboards asks them: in turn, each for its own span of the last hour. */
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

export interface Asked {
  readonly asked: number
  readonly answered: number
  readonly refused: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Asks `perS` questions a second, on time whether or not the ones before are answered. */
export async function askOnTime(
  http: number,
  { perS, seconds }: { readonly perS: number; readonly seconds: number },
): Promise<Asked> {
  const total = perS * seconds
  const times: number[] = []
  let refused = 0
  const asking: Promise<void>[] = []
  const begun = performance.now()
  for (let n = 0; n < total; n += 1) {
    const dueMs = begun + (n * 1000) / perS
    const waitMs = dueMs - performance.now()
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs))
    asking.push(
      askOne(http, n).then((ok) => {
        if (ok) times.push(performance.now() - dueMs)
        else refused += 1
      }),
    )
  }
  await Promise.all(asking)
  const sorted = times.toSorted((a, b) => a - b)
  return {
    asked: total,
    answered: times.length,
    refused,
    p50Ms: Math.round(median(times)),
    p99Ms: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN),
  }
}

async function askOne(http: number, n: number): Promise<boolean> {
  // Dashboards draw whole minutes, so those that watch the same ask the same.
  const from = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000).toISOString()
  const address = (ADDRESSES[n % ADDRESSES.length] ?? '')
    .replace('FROM', `from=${from}`)
    .replace('DEVICE', `bench.truck-${String((n * 37) % 1000).padStart(5, '0')}`)
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  const answer = await fetch(`http://127.0.0.1:${http}/api/v1${address}`, { headers })
  const text = await answer.text()
  // Busy, or over its time limit: counted as refused.
  if (!answer.ok && ![503, 504].includes(answer.status))
    throw new Error(`${address}: ${text.slice(0, 300)}`)
  return answer.ok
}
