import type { Delivery } from '../../api/rows.ts'

/** Accepted is the sum of these, in this order. */
export const PARTS = ['stored', 'rejected', 'duplicate', 'pending'] as const
/** Parts of stored, and what never arrived. */
export const ASIDE = ['late', 'partial', 'lost'] as const

export const COUNT_WORDS = {
  stored: 'stored',
  rejected: 'rejected',
  duplicate: 'duplicate',
  pending: 'pending',
  late: 'lateStored',
  partial: 'partial',
  lost: 'lost',
} as const

type Count = (typeof PARTS)[number] | (typeof ASIDE)[number] | 'accepted'

export function sum(rows: readonly Delivery[], name: Count): number {
  return rows.reduce((total, row) => total + (row[name] ?? 0), 0)
}

export function hasProblem(row: Delivery): boolean {
  return faults(row) + row.late > 0
}

/** A late message is no fault: the device kept it while it had no network. */
function faults(row: Delivery): number {
  return row.rejected + row.duplicate + row.partial + (row.lost ?? 0)
}

/** Devices with most faults first. */
export function byFaults(a: Delivery, b: Delivery): number {
  return faults(b) - faults(a) || b.late - a.late || (a.device < b.device ? -1 : 1)
}
