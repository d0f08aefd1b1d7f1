import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import { transaction } from '#lib/runtime/sqlite.ts'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import { NO_KEY, OTHER_KEY } from './key-names.ts'
import { DAY_NS } from '#lib/telemetry/time-grid.ts'

/**
 * Which cells, operators and bands have a series of their own. They come from outside, so there is a
 * budget for each: whoever came first keeps its place, the others are put together.
 */
export interface KnownKeys {
  /** Whether the values of a grouping come from outside; those of others are all admitted. */
  isBudgeted(grouping: Grouping): boolean
  /** The key a row goes under: its own or `_other`. Give those that matter most first. */
  admit(grouping: Grouping, key: string): string
  /** Puts on disk what was admitted and seen. */
  save(): void
}

interface KnownKeysOptions {
  /** Per grouping. */
  readonly maxKeys: number
  /** Keys not seen for that long give their place away; their old points stay. */
  readonly keepDays: number
  readonly clock: Pick<Clock, 'nowNs'>
}

/** Groupings whose values are not in the registry. */
const BUDGETED: ReadonlySet<Grouping> = new Set(['cell', 'operator', 'band'])

export function loadKnownKeys(db: DatabaseSync, options: KnownKeysOptions): KnownKeys {
  const dayOf = () => Number(options.clock.nowNs() / DAY_NS)
  db.prepare('DELETE FROM known_keys WHERE seen_day < ?').run(dayOf() - options.keepDays)
  const known = new Map<Grouping, Map<string, number>>()
  for (const row of db.prepare('SELECT grouping, key, seen_day FROM known_keys').all()) {
    // Written by `save` from groupings.
    keysOf(String(row['grouping']) as Grouping).set(String(row['key']), Number(row['seen_day']))
  }
  let fresh: (readonly [Grouping, string])[] = []

  return {
    isBudgeted: (grouping) => BUDGETED.has(grouping),
    admit(grouping, key) {
      if (!BUDGETED.has(grouping) || key === NO_KEY) return key
      const keys = keysOf(grouping)
      const seen = keys.get(key)
      if (seen === undefined && keys.size >= options.maxKeys) return OTHER_KEY
      const today = dayOf()
      if (seen !== today) {
        keys.set(key, today)
        fresh.push([grouping, key])
      }
      return key
    },
    save() {
      if (fresh.length === 0) return
      const put = db.prepare(
        'INSERT OR REPLACE INTO known_keys (grouping, key, seen_day) VALUES (?, ?, ?)',
      )
      transaction(db, () => {
        for (const [grouping, key] of fresh) put.run(grouping, key, dayOf())
      })
      fresh = []
    },
  }

  function keysOf(grouping: Grouping): Map<string, number> {
    const keys = known.get(grouping) ?? new Map<string, number>()
    known.set(grouping, keys)
    return keys
  }
}
