import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { randomId } from '#lib/runtime/random.ts'
import type { Handlers } from '#lib/runtime/threads/rpc.ts'
import { shareReader } from '#lib/store/shared-reader.ts'
import type { HeatHours } from '../heat/heat-hours.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import type { SilenceRounds } from '../silence/silence-rounds.ts'
import { createAnswers } from './answers.ts'
import type { Parts } from './open-parts.ts'

interface QueryParts extends Parts {
  readonly hours: HeatHours
  readonly silence: SilenceRounds
}

/** What the worker answers to the API, by name: the only place that knows how queries are made. */
export function createQueries(parts: QueryParts, options: WorkerOptions): Handlers {
  const { state, store, db, stages, clock, reader, registry, hours, silence } = parts
  const exportDir = join(options.dataDir, 'export')
  rmSync(exportDir, { recursive: true, force: true })
  mkdirSync(exportDir, { mode: 0o700 })
  return createAnswers({
    state,
    store: shareReader(store, { clock, atOnce: options.limits.queryConcurrency }),
    db,
    stages,
    clock,
    reader,
    exportPath: () => join(exportDir, `${randomId()}.parquet`),
    // Other intakes write to the same InfluxDB: what they store is not seen here.
    ...(options.store.influx ? {} : { hours }),
    devices: registry.devices.list,
    device: registry.devices.get,
    credentialsOf: registry.credentials.list,
    secretOf: (id, name) => registry.secretOf(id, name),
    silencesOf: (id) => silence.lasting(id),
    timezone: options.timezone,
  })
}
