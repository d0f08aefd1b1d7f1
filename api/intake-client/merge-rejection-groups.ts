import type { RejectionGroupRow } from '#lib/telemetry/questions.ts'

/** Groups of several intakes: the same group of two of them is one. */
export function mergeRejectionGroups(
  answers: readonly (readonly RejectionGroupRow[])[],
): RejectionGroupRow[] {
  const groups = new Map<string, RejectionGroupRow>()
  for (const row of answers.flat()) {
    const key = JSON.stringify(row.group)
    const known = groups.get(key)
    groups.set(key, known ? sumOf(known, row) : row)
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count)
}

function sumOf(a: RejectionGroupRow, b: RejectionGroupRow): RejectionGroupRow {
  return {
    group: a.group,
    count: a.count + b.count,
    recovered: a.recovered + b.recovered,
    firstNs: a.firstNs < b.firstNs ? a.firstNs : b.firstNs,
    lastNs: a.lastNs > b.lastNs ? a.lastNs : b.lastNs,
  }
}
