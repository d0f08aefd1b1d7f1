import { z } from 'zod'
import { REJECTION_REASONS } from '#lib/telemetry/rejection.ts'
import { count, groupColumn, timeColumn } from './columns.ts'
import {
  REJECTION_GROUPINGS,
  type RejectionGroup,
  type RejectionGroupsScan,
} from './intake-state.ts'
import { deviceParameters, spanParameters, wordsParameter } from './parameters.ts'
import { defineQuery, type QueryResult } from './query.ts'

const row = z.object({
  group: groupColumn(REJECTION_GROUPINGS, 'What the rejections have in common.'),
  count: count(),
  recovered: count('Of them, stored by a replay.'),
  first: timeColumn(),
  last: timeColumn(),
})

type GroupRow = z.output<typeof row>

export const rejectionGroups = defineQuery({
  path: '/rejections/groups',
  permission: 'rejections:read',
  tag: 'rejections',
  summary: 'How many rejections there are of each sort',
  parameters: {
    by: wordsParameter(REJECTION_GROUPINGS, 'What to group by; reason and device by default'),
    reason: wordsParameter(REJECTION_REASONS, 'Only these reasons'),
    ...deviceParameters,
    ...spanParameters,
  },
  row,
  scope: 'devices',
  shape: 'list',
  sources: ['state'],
  toQuery: (given, { scope, fromNs, toNs }): RejectionGroupsScan => {
    const { by = ['reason', 'device'], reason: reasons = null } = given
    return { scope, reasons, by, fromNs, toNs }
  },
  async answer({ state }, query): Promise<QueryResult<GroupRow>> {
    return { rows: state.rejectionGroups(query).map(rowOf) }
  },
  merge: mergeGroups,
})

function rowOf({ group, count, recovered, firstNs, lastNs }: RejectionGroup): GroupRow {
  return { group, count, recovered, first: firstNs, last: lastNs }
}

/** Groups of several intakes: the same group of two of them is one. */
function mergeGroups(results: readonly QueryResult<GroupRow>[]): QueryResult<GroupRow> {
  const groups = new Map<string, GroupRow>()
  for (const one of results.flatMap(({ rows }) => rows)) {
    const key = JSON.stringify(one.group)
    const known = groups.get(key)
    groups.set(key, known ? sumOf(known, one) : one)
  }
  return { rows: [...groups.values()].toSorted((a, b) => b.count - a.count) }
}

function sumOf(a: GroupRow, b: GroupRow): GroupRow {
  return {
    group: a.group,
    count: a.count + b.count,
    recovered: a.recovered + b.recovered,
    first: a.first < b.first ? a.first : b.first,
    last: a.last > b.last ? a.last : b.last,
  }
}
