import { PlatformError } from '#lib/runtime/errors.ts'
import type { ReplayRequest, ReplayCounts } from '#lib/queries/port.ts'
import type { IntakeSource } from './intakes.ts'
import { OF_JOURNAL } from './merged-pages.ts'

/** Each intake replays its own messages. */
export async function replayEach(
  intakes: readonly IntakeSource[],
  request: ReplayRequest,
  signal?: AbortSignal,
): Promise<ReplayCounts> {
  if (request.positions) {
    throw new PlatformError(
      'REPLAY_FAILED',
      'positions: expected ids or a filter, since each of the several intakes has positions of its ' +
        'own; run npm run replay on the machine of that intake',
      { path: 'positions' },
    )
  }
  const { ids } = request
  const wanted = ids && idsByJournal(ids, intakes)
  const results = await Promise.all(
    intakes.map(async ({ port, live }) => {
      const own = wanted ? (wanted.get(live.journal) ?? []) : null
      if (own?.length === 0) return NONE
      return await port.replay({ ...request, ids: own }, signal)
    }),
  )
  return results.reduce((a, b) => ({
    recovered: a.recovered + b.recovered,
    again: a.again + b.again,
    duplicate: a.duplicate + b.duplicate,
  }))
}

const NONE: ReplayCounts = { recovered: 0, again: 0, duplicate: 0 }

function idsByJournal(
  ids: readonly string[],
  intakes: readonly IntakeSource[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>(intakes.map(({ live }) => [live.journal, []]))
  for (const id of ids) {
    const [journal = '', own] = id.split(OF_JOURNAL)
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
