import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openMarksReader, progressOf } from '../../../ingest/derived/marks-file.ts'
import { SeriesUpdater, type Derived } from '../../../ingest/derived/series-updater.ts'
import { openIngest, type Ingest } from '../../../ingest/open-ingest.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { Registry } from '#lib/registry/registry.ts'
import { systemClock, type Clock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createInflux, type Cell, type Influx } from '#lib/store/influx/client/influx.ts'
import { UNWATCHED, ingestOptionsFor } from '../../support/ingest-options.ts'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startRestartableInfluxd, type Influxd } from './influxd.ts'
import { FORMAT_LIST } from '../../../ingest/formats/catalogue.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DATABASE = 'padborg'

/** The ingest role with its derived series, on a data directory that outlives it. */
export interface Role {
  readonly ingest: Ingest
  readonly registry: Registry
  readonly derived: Derived
  /** Publishes to a device: durable when it resolves, in the store or not. */
  send(device: string, ...payloads: readonly object[]): Promise<void>
  /** Waits until what is durable is stored, and its marks are on disk. */
  stored(): Promise<void>
  /** Both. */
  publish(device: string, ...payloads: readonly object[]): Promise<void>
  /** Waits until nothing is due. */
  drained(): Promise<void>
  close(): Promise<void>
}

export interface Testbed {
  readonly influxd: Influxd
  readonly influx: Influx
  /** Minutes of the present are over by this clock, so that no test waits for them. */
  readonly clock: Clock
  readonly dir: string
  start(options?: { readonly maxKeys?: number }): Promise<Role>
  /** Values of a query, with the tags beside. */
  rows(influxql: string): Promise<Readonly<Record<string, Cell | undefined>>[]>
  close(): Promise<void>
}

export async function openTestbed(name: string): Promise<Testbed> {
  const place = temporaryDir(name)
  const dir = join(place.path, 'data')
  mkdirSync(dir)
  const influxd = await startRestartableInfluxd()
  const log = createLog('silent')
  const clock: Clock = {
    nowNs: () => systemClock.nowNs() + 70_000_000_000n,
    monoNs: () => systemClock.monoNs(),
  }
  const { url, username, password } = influxd
  const influx = createInflux(
    { url, kind: 'v1', database: DATABASE, username, password, timeoutMs: 5000 },
    { log, clock },
  )
  await influx.query(`CREATE DATABASE ${DATABASE}`)
  const roles: Role[] = []

  return {
    influxd,
    influx,
    clock,
    dir,
    async start(options = {}) {
      const role = await startRole({ dir, influx, clock, maxKeys: options.maxKeys ?? 100 })
      roles.push(role)
      return role
    },
    async rows(influxql) {
      const series = await influx.query(influxql)
      return series.flatMap(({ tags, columns, values }) =>
        values.map((value) => ({
          ...tags,
          ...Object.fromEntries(columns.map((column, at) => [column, value[at]])),
        })),
      )
    },
    async close() {
      for (const role of roles) await role.close()
      influx.close()
      await influxd.stop()
      place.remove()
    },
  }
}

/** Goes on over restarts: no message is a duplicate of an earlier one. */
let seq = 0

interface RoleOptions {
  readonly dir: string
  readonly influx: Influx
  readonly clock: Clock
  readonly maxKeys: number
}

async function startRole({ dir, influx, clock, maxKeys }: RoleOptions): Promise<Role> {
  const log = createLog('silent')
  const registry = openRegistry({
    path: join(dir, 'registry.db'),
    clock: systemClock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_LIST,
  })
  const ingest = await openIngest(
    {
      ...ingestOptionsFor(dir, {
        PADBORG_INGEST_BATCH_MS: '5',
        PADBORG_INGEST_SNAPSHOT_MS: '200',
        PADBORG_JOURNAL_SEGMENT_BYTES: String(4 * 1024 * 1024),
      }),
      store: { url: 'influx:', influx: { ...influx.settings, maxSeries: 10_000 } },
    },
    UNWATCHED,
    { clock: systemClock, log },
  )
  const path = join(dir, 'derived.db')
  const derived = new SeriesUpdater(
    {
      path,
      graceMs: 0,
      maxKeys,
      keepKeysDays: 90,
      tickMs: 10,
      hourPauseMs: 0,
      isShared: false,
      keepDays: { minute: 90, hour: 1825 },
      timeShare: 1,
      retryMs: 20,
      maxRetryMs: 200,
    },
    {
      port: ingest.port,
      influx,
      devices: () => registry.devices.list(),
      journal: ingest.journal,
      certificateDays: () => 42.5,
      isClockDoubtful: () => false,
      random: { next: () => 0.5 },
      clock,
      log,
    },
  )
  registry.onChange(() => {
    ingest.registryChanged()
    derived.registryChanged()
  })
  const marks = openMarksReader(path)
  let closed = false

  return {
    ingest,
    registry,
    derived,
    send,
    stored,
    async publish(device, ...payloads) {
      await send(device, ...payloads)
      await stored()
    },
    drained: () =>
      waitFor(() => derived.status().waiting === 0 || null, {
        timeoutMs: 50_000,
        what: 'derived series',
      }).then(() => undefined),
    async close() {
      if (closed) return
      closed = true
      await derived.close()
      await ingest.close()
      marks.close()
      registry.close()
    },
  }

  async function send(device: string, ...payloads: readonly object[]): Promise<void> {
    await Promise.all(payloads.map((payload) => accept(device, payload)))
  }

  async function stored(): Promise<void> {
    const { position } = ingest.journal.durable
    await waitFor(() => Number(progressOf(marks, 'position')) >= position, {
      timeoutMs: 30_000,
      what: 'the marks of what was stored',
    })
  }

  function accept(device: string, payload: object): Promise<void> {
    const [tenant, id] = device.split('.')
    seq += 1
    const message = {
      device,
      topic: `padborg/v1/${tenant}/${id}/telemetry`,
      payload: Buffer.from(JSON.stringify({ v: 1, seq, ...payload })),
      qos: 1,
      retain: false,
      dup: false,
      will: false,
      receivedAtNs: systemClock.nowNs(),
      receivedMonoNs: systemClock.monoNs(),
      origin: null,
    } as const
    return new Promise((resolve, reject) => {
      ingest.intake.accept(message, (error) => (error ? reject(error) : resolve()))
    })
  }
}
