import { expect, it } from 'vitest'
import type { Latency } from '../../../../../../dashboards/portal/src/api/rows.ts'
import { wrongClocks } from '../../../../../../dashboards/portal/src/homes/testbed/clock-offsets.ts'

it('a wrong clock has its offset and bound; without a bound only what is proved', () => {
  const rows = [
    row('age', 'a.ahead', -46_280),
    row('uplink', 'a.ahead', 20),
    row('age', 'a.unbound', -5000),
    row('uplink', 'a.unbound', null),
    row('age', 'a.slow-network', 30_000),
    row('age', 'a.fine', 25),
    row('uplink', 'a.fine', 24),
  ]
  expect(wrongClocks(rows)).toEqual([
    { device: 'a.ahead', offsetMs: 46_300, boundMs: 12 },
    { device: 'a.unbound', offsetMs: 5000, boundMs: null },
  ])
})

function row(stage: 'age' | 'uplink', device: string, p50Ms: number | null): Latency {
  return {
    group: { device },
    stage,
    n: p50Ms === null ? 0 : 10,
    p50Ms,
    p95Ms: p50Ms,
    p99Ms: p50Ms,
    maxMs: p50Ms,
    clockBoundMs: stage === 'uplink' && p50Ms !== null ? 12 : null,
    negative: 0,
    method: 'exact',
    relError: 0,
    late: 0,
  }
}
