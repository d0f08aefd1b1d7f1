import { abuse } from './abuse.ts'
import { against } from './against.ts'
import { dashboards } from './dashboards.ts'
import { formats } from './formats.ts'
import { fuzz } from './fuzz.ts'
import { idle } from './idle.ts'
import { influx } from './influx.ts'
import { overload } from './overload.ts'
import { queries } from './queries.ts'
import { queryable } from './queryable.ts'
import type { Section } from './section.ts'
import { startup } from './startup.ts'
import { steady } from './steady.ts'
import { sustained } from './sustained.ts'

/** Run in this order unless `--only` or `--against` says otherwise. */
const DEFAULT_SECTIONS: readonly Section[] = [
  steady,
  queryable,
  influx,
  sustained,
  idle,
  startup,
  overload,
  dashboards,
  queries,
  formats,
  fuzz,
]

/** Those that take long, or need another checkout, run when they are named. */
export const SECTIONS: readonly Section[] = [...DEFAULT_SECTIONS, abuse, against]

/** The sections that the options name; an unknown name is an error to show. */
export function wantedSections({
  only,
  against: otherCheckout,
}: {
  readonly only: readonly string[] | null
  readonly against: string | null
}): readonly Section[] {
  if (only === null) return otherCheckout === null ? DEFAULT_SECTIONS : [against]
  const unknown = only.filter((name) => !SECTIONS.some((section) => section.name === name))
  if (unknown.length > 0) {
    const known = SECTIONS.map(({ name }) => name).join(', ')
    throw new RangeError(`--only: expected some of ${known}, got ${unknown.join(', ')}`)
  }
  if (only.includes(against.name) && otherCheckout === null) {
    throw new RangeError('--only against: expected --against <dir>')
  }
  return SECTIONS.filter(
    (section) => only.includes(section.name) || (section === against && otherCheckout !== null),
  )
}
