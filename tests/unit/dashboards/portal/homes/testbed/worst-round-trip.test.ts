import { expect, it } from 'vitest'
import { worstRoundTrip } from '../../../../../../dashboards/portal/src/homes/testbed/worst-round-trip.ts'

const row = (rat: string | null, n: number, p95Ms: number, stage = 'rtt') => ({
  stage,
  n,
  p95Ms,
  group: { rat },
})

it('the headline shows the worst technology of those with a hundred round trips', () => {
  const rows = [
    row('nr-sa', 40, 9),
    row('nr-nsa', 250, 21),
    row('lte', 100, 48),
    row('lte', 5000, 900, 'age'),
    row(null, 5000, 700),
    row('nr-sa', 99, 400),
  ]
  expect(worstRoundTrip(rows)).toEqual(row('lte', 100, 48))
  expect(worstRoundTrip(rows.filter(({ n }) => n < 100))).toBeUndefined()
})
