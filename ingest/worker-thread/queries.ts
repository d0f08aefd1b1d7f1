import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { HeatHours } from '#lib/queries/heat/hours.ts'
import { randomId } from '#lib/runtime/random.ts'
import type { Caller, Handlers } from '#lib/runtime/threads/rpc.ts'
import { shareReader } from '#lib/store/shared-reader.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { createConformance } from '../conformance/conformance.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import {
  journaledCandidates,
  rejectedCandidates,
  type CandidatesQuery,
} from '../rejections/replay-candidates.ts'
import type { SilenceRounds } from '../silence/silence-rounds.ts'
import { createStateReader } from '../state/state-reader.ts'
import type { Parts } from './open-parts.ts'
import { createQueryHandlers } from './query-handlers.ts'

interface QueryParts extends Parts {
  readonly main: Caller
  readonly hours: HeatHours
  readonly silence: SilenceRounds
}

/** The queries of the API, by name: the only place that knows how they are made. */
export function createQueries(parts: QueryParts, options: WorkerOptions): Handlers {
  const { db, clock, reader } = parts
  const exportDir = join(options.dataDir, 'export')
  rmSync(exportDir, { recursive: true, force: true })
  mkdirSync(exportDir, { mode: 0o700 })
  const store = shareReader(parts.store, { clock, atOnce: options.limits.queryConcurrency })
  const handlers = createQueryHandlers({
    store,
    state: stateReader(parts, options),
    timezone: options.timezone,
    clock,
    exportPath: () => join(exportDir, `${randomId()}.parquet`),
  })
  return {
    ...handlers,
    candidates: ({ request, after }: CandidatesQuery) =>
      request.positions
        ? journaledCandidates(reader, request, after)
        : rejectedCandidates(db, request, after),
  }
}

function stateReader(parts: QueryParts, options: WorkerOptions) {
  const { state, db, stages, clock, registry, hours, main, silence } = parts
  const conformance = createConformance({
    state,
    db,
    clock,
    timezone: options.timezone,
    device: registry.devices.get,
    credentialsOf: registry.credentials.list,
    secretOf: (id, name) => registry.secretOf(id, name),
    silencesOf: (id) => silence.lasting(id),
  })
  // Other intakes write to the same InfluxDB: what they store is not seen here.
  const heat = { devices: registry.devices.list, ...(options.store.influx ? {} : { hours }) }
  const acceptedCounts = () => main.call<ReadonlyMap<FullId, number>>('acceptedCounts', null)
  return createStateReader({ state, db, stages, heat, acceptedCounts, conformance })
}
