import { PlatformError } from '#lib/runtime/errors.ts'
import type {
  Page,
  RejectionRow,
  RejectionsQuery,
  ReplayAnswer,
  ReplayRequest,
} from '#lib/telemetry/questions.ts'
import type { IntakeSource } from './intakes.ts'

/** Between the journal an id belongs to and the id within it. */
const OF = ':'

/** Where one intake's rejections go on: behind an id of it, from the start, or not at all. */
type Place = { readonly after: string | null } | 'end'

/**
 * Rejections of several intakes in one order of time. Each id names its journal; the cursor says for
 * each intake what has been shown of it.
 */
export async function mergedRejections(
  intakes: readonly IntakeSource[],
  query: RejectionsQuery,
  signal?: AbortSignal,
): Promise<Page<RejectionRow>> {
  const places = placesOf(query.cursor, intakes)
  const runs = await Promise.all(
    intakes.map(async (intake, at) => {
      const place = places[at] ?? 'end'
      if (place === 'end') return { intake, at, rows: [], isWhole: true }
      const page = await intake.port.ask('rejections', { ...query, cursor: place.after }, signal)
      return { intake, at, rows: page.data, isWhole: page.next === null }
    }),
  )
  const sign = query.order === 'asc' ? 1n : -1n
  const shown = runs
    .flatMap(({ intake, at, rows }) =>
      rows.map((row) => ({ at, row, journal: intake.live.journal })),
    )
    .toSorted((a, b) => Number(sign * (a.row.timeNs - b.row.timeNs)) || a.at - b.at)
    .slice(0, query.limit)
  const next = runs.map(({ at, rows, isWhole }): Place => {
    const taken = shown.filter((one) => one.at === at)
    if (taken.length === rows.length && isWhole) return 'end'
    const last = taken.at(-1)
    if (last) return { after: last.row.id }
    return places[at] ?? 'end'
  })
  return {
    data: shown.map(({ row, journal }) => ({ ...row, id: journal + OF + row.id })),
    next: next.every((place) => place === 'end') ? null : cursorOf(next, intakes),
  }
}

/** By journal, so that a cursor outlives another order of PADBORG_INGEST_URL. */
function cursorOf(places: readonly Place[], intakes: readonly IntakeSource[]): string {
  return JSON.stringify(
    Object.fromEntries(intakes.map(({ live }, at) => [live.journal, places[at] ?? 'end'])),
  )
}

/** The API hands back what `cursorOf` made: it seals cursors. */
function placesOf(cursor: string | null, intakes: readonly IntakeSource[]): readonly Place[] {
  if (cursor === null) return intakes.map(() => ({ after: null }))
  const known = JSON.parse(cursor) as Readonly<Record<string, Place>>
  return intakes.map(({ live }) => known[live.journal] ?? { after: null })
}

/** Each intake replays what is its own. */
export async function replayEach(
  intakes: readonly IntakeSource[],
  request: ReplayRequest,
  signal?: AbortSignal,
): Promise<ReplayAnswer> {
  if (request.positions) {
    throw new PlatformError(
      'REPLAY_FAILED',
      'positions: expected ids or a filter, since each of the several intakes has positions of its ' +
        'own; run npm run replay on the machine of the one that is meant',
      { path: 'positions' },
    )
  }
  const { ids } = request
  const wanted = ids && idsByJournal(ids, intakes)
  const answers = await Promise.all(
    intakes.map(async ({ port, live }) => {
      const own = wanted ? (wanted.get(live.journal) ?? []) : null
      if (own?.length === 0) return NONE
      return await port.ask('replay', { ...request, ids: own }, signal)
    }),
  )
  return answers.reduce((a, b) => ({
    recovered: a.recovered + b.recovered,
    again: a.again + b.again,
    duplicate: a.duplicate + b.duplicate,
  }))
}

const NONE: ReplayAnswer = { recovered: 0, again: 0, duplicate: 0 }

function idsByJournal(
  ids: readonly string[],
  intakes: readonly IntakeSource[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>(intakes.map(({ live }) => [live.journal, []]))
  for (const id of ids) {
    const [journal = '', own] = id.split(OF)
    const list = found.get(journal)
    if (list && own !== undefined) list.push(own)
    else {
      throw new PlatformError(
        'REPLAY_FAILED',
        `ids: expected ids as GET /rejections gives them, with the journal of an intake before the ` +
          `colon, got ${id}`,
        { path: 'ids' },
      )
    }
  }
  return found
}
