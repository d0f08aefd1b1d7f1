import { expect, it } from 'vitest'
import type { Delivery } from '../../../../../../dashboards/portal/src/api/rows.ts'
import {
  byFaults,
  hasProblem,
  sum,
} from '../../../../../../dashboards/portal/src/homes/platform/delivery-counts.ts'

it('devices with faults come first, then late ones; a late message is a problem but no fault', () => {
  const rows = [
    row('a.fine', {}),
    row('b.late', { late: 50 }),
    row('c.lost', { lost: 2 }),
    row('d.rejected', { rejected: 2, late: 1 }),
  ]
  expect(rows.toSorted(byFaults).map(({ device }) => device)).toEqual([
    'd.rejected',
    'c.lost',
    'b.late',
    'a.fine',
  ])
  expect(rows.filter(hasProblem).map(({ device }) => device)).not.toContain('a.fine')
  expect(sum(rows, 'late')).toBe(51)
})

function row(device: string, counts: Partial<Delivery>): Delivery {
  const none = { accepted: 0, stored: 0, rejected: 0, duplicate: 0, pending: 0, commands: 0 }
  return { ...none, device, late: 0, partial: 0, lost: 0, ...counts }
}
