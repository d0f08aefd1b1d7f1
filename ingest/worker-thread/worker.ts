import { createHmac } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { addSample } from '#lib/kpi/network/clock.ts'
import { openRegistryReader } from '#lib/registry/open-reader.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { pseudonymSecret } from '#lib/runtime/data-dir.ts'
import { encodeError } from '#lib/runtime/error-codec.ts'
import { createLog } from '#lib/runtime/log.ts'
import { lowerOwnPriority } from '#lib/runtime/threads/priority.ts'
import { NICENESS } from '#lib/runtime/threads/process-flags.ts'
import { randomId } from '#lib/runtime/random.ts'
import { createCaller, serveCalls } from '#lib/runtime/threads/rpc.ts'
import { openStore } from '#lib/store/open.ts'
import { shareReader } from '#lib/store/shared-reader.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { LiveInterest } from '#lib/telemetry/live.ts'
import { createAnswers } from './answers.ts'
import { markStages, openMarker } from '../derived/marker.ts'
import { derivedPath } from '../derived/open-derived.ts'
import { createFreezer, type Frozen } from '../backup/freeze.ts'
import { loadSaved, loadState, openIngestDb, saveSnapshot } from '../state/ingest-db.ts'
import { createHeatHours } from '../heat/heat-hours.ts'
import { openReader } from '../journal/reading/reader.ts'
import { createLiveWatch } from '../live/live-watch.ts'
import type { FromWorker, ToWorker } from '../thread-messages.ts'
import { createNoticeBoard } from '../rejections/throttled-notices.ts'
import { createRejectionBook } from '../rejections/rejection-log.ts'
import { watchSilence } from '../silence/silence-round.ts'
import { createStageClock } from '../state/stage-clock.ts'
import { noteCertificate, showCounts, touchDevice } from '../state/intake-state.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import { createWriter } from './writer.ts'

/**
 * The ingest thread: journal -> formats -> store, and the answers to questions. Started by
 * `open-ingest.ts`; everything it knows comes in `workerData` and by messages.
 */
const port = parentPort
if (!port)
  throw new Error('ingest/worker-thread/worker.ts runs as a worker thread, started by the platform')
const tell = (message: FromWorker) => port.postMessage(message)

/** How long a shutdown waits for the store before the rest is left to the next start. */
const FINISH_MS = 3000
/** So many messages make maintenance due before its time: what is not rolled up makes questions slow. */
const MAINTENANCE_POSITIONS = 50_000

try {
  await run(workerData as WorkerOptions)
} catch (error) {
  tell({ type: 'failed', error: encodeError(error) })
}

async function run(options: WorkerOptions): Promise<void> {
  lowerOwnPriority(NICENESS.ingestWorker)
  const log = createLog(options.logLevel)
  const clock = systemClock
  const path = options.registryPath
  const registry = openRegistryReader({ path, log })
  const db = openIngestDb(join(options.dataDir, 'ingest.db'))
  const saved = loadSaved(db)
  const storeDir = join(options.dataDir, 'store')
  mkdirSync(storeDir, { recursive: true, mode: 0o700 })
  const { store, missingFrom } = await openStore({
    url: options.store.url,
    influx: options.store.influx,
    dir: storeDir,
    journal: options.journal.id,
    journalLast: options.journal.lastPosition,
    expected: saved.parts,
    retention: options.retention,
    limits: options.limits,
    clock,
    log,
  })
  const state = loadState(db)
  const rejections = createRejectionBook(db)
  // Derived series are for those who have an InfluxDB.
  const marker = options.store.influx
    ? openMarker({
        path: derivedPath(options.dataDir),
        clock,
        backfillNs: {
          minute: daysNs(options.retention.minuteDays),
          hour: daysNs(options.retention.hourDays),
        },
        hasPast: saved.position > 0,
      })
    : null
  const stages = marker ? markStages(createStageClock(), marker) : createStageClock()
  const reader = openReader({ dir: options.journal.dir, id: options.journal.id, log })
  // Where the registry is, so that every intake that shares it gives the same names.
  const secret = pseudonymSecret(dirname(path))
  const live = createLiveWatch()
  const silence = watchSilence(
    { device: registry.devices.get, clock, log, live, tell },
    options.stateSilenceSeconds,
  )
  const main = createCaller(port as NonNullable<typeof port>)
  const deps = {
    journal: options.journal.id,
    reader: silence.listenTo(reader),
    state,
    store: store.writer,
    rejections,
    notices: createNoticeBoard(options.errorsPerMinute),
    stages,
    clock,
    log,
    device: registry.devices.get,
    secretOf: (id: FullId, name: string) => registry.secretOf(id, name),
    createSubDevices: (wanted: unknown) => main.call<void>('createSubDevices', wanted),
    pseudonym: (text: string) =>
      createHmac('sha256', secret).update(`sub-device:${text}`).digest('hex').slice(0, 24),
    pause: (ms: number) => pause(ms),
    problem: (text: string) => tell({ type: 'problem', text }),
  }
  const writerOptions = {
    batchBytes: options.batchBytes,
    timezone: options.timezone,
    lateNs: BigInt(Math.round(options.lateSeconds * 1000)) * 1_000_000n,
    maxAgeNs: {
      fleet: daysNs(options.retention.fleetDays),
      metering: daysNs(options.retention.meteringDays),
    },
  }
  const writer = createWriter(deps, writerOptions, reader.seek(saved.position))
  const hours = createHeatHours()
  const freezer = createFreezer(join(options.dataDir, 'ingest.db'), store.upkeep)
  const exportDir = join(options.dataDir, 'export')
  rmSync(exportDir, { recursive: true, force: true })
  mkdirSync(exportDir, { mode: 0o700 })
  const exportPath = () => join(exportDir, `${randomId()}.parquet`)
  serveCalls(port as NonNullable<typeof port>, {
    ...createAnswers({
      state,
      store: shareReader(store, { clock, atOnce: options.limits.queryConcurrency }),
      db,
      rejections,
      stages,
      clock,
      reader,
      exportPath,
      // Other intakes write to the same InfluxDB: what they store is not seen here.
      ...(options.store.influx ? {} : { hours }),
      devices: registry.devices.list,
      device: registry.devices.get,
      credentialsOf: registry.credentials.list,
      secretOf: (id, name) => registry.secretOf(id, name),
      silencesOf: (id) => silence.lasting(id),
      timezone: options.timezone,
    }),
    watch,
    freeze,
    thaw: () => freezer.end(),
    close,
  })

  // One thing at a time: batches, snapshots and maintenance follow each other in this chain.
  let work: Promise<void> = Promise.resolve()
  let closing = false
  let savedPosition = saved.position
  let savedAtNs = clock.monoNs()
  let snapshotFails = false
  let expiredAtNs = 0n
  let maintaining = false
  let maintainedPosition = saved.position
  let nextRound: NodeJS.Timeout | undefined
  const timer = setInterval(beginMaintenance, Math.min(10_000, options.snapshotMs))

  const stopLooking = silence.start(() => queue(async () => silence.look(writer.cursor.position)))

  if (missingFrom !== null && missingFrom <= saved.position) {
    queue(async () => {
      log.warn(
        { from: missingFrom, to: saved.position },
        'rows are missing in the store; reading the journal again',
      )
      const rows = await writer.rebuild(missingFrom)
      hours.clear()
      log.info({ rows }, 'the rows of the lost part were derived again')
    })
  }
  port?.on('message', (message: ToWorker) => {
    if (message.type === 'registry') registry.reload()
    else if (message.type === 'paused') silence.setPaused(message.paused)
    else if (message.type === 'durable') {
      silence.begin(message.durable.atNs)
      queue(() => write(message))
    }
  })
  tell({ type: 'ready' })

  function beginMaintenance(): void {
    // While the store refuses, the chain stands still: one round waits, not one per tick.
    if (maintaining || freezer.frozen || closing) return
    maintaining = true
    queue(maintain)
  }

  function queue(step: () => Promise<void>): void {
    work = work.then(async () => {
      if (!closing) await step()
    })
    work.catch((error: unknown) => {
      tell({ type: 'failed', error: encodeError(error) })
    })
  }

  async function write(message: ToWorker & { type: 'durable' }): Promise<void> {
    for (const [device, sample] of message.clocks) {
      const known = touchDevice(state, device)
      known.clock = addSample(known.clock, sample)
    }
    for (const [device, seen] of message.certificates) noteCertificate(state, device, seen)
    for (const [device, n] of message.commands) {
      touchDevice(state, device).counts.commands += n
      showCounts(state, [device])
    }
    for (const { minute, stage, bucket, n } of message.stages)
      stages.addCount({ minute, stage, bucket, n })
    await writer.writeTo(message.durable, ({ cursor, outcome, ...written }) => {
      const { position } = cursor
      marker?.touched(outcome.readings)
      hours.stored(outcome.readings)
      const batch = live.batchOf(outcome, position)
      if (batch) tell({ type: 'live', batch })
      tell({ type: 'written', position, ...written })
    })
    if (unsavedMs() > options.snapshotMs) trySnapshot()
    if (writer.cursor.position - maintainedPosition >= MAINTENANCE_POSITIONS) beginMaintenance()
    silence.finish()
    tell({ type: 'idle' })
  }

  /** Between two batches, so that each is published as one interest or the other has it. */
  function watch(interests: readonly LiveInterest[]): number {
    live.want(interests)
    return writer.cursor.position
  }

  /** On a full disk the last snapshot stays the one to start from: the journal has the rest. */
  function trySnapshot(): void {
    try {
      snapshot()
      if (snapshotFails) log.info('the state of the intake is saved again')
      snapshotFails = false
    } catch (error) {
      if (!snapshotFails) {
        log.error({ err: error }, 'the state of the intake cannot be saved; it is tried again')
      }
      snapshotFails = true
    }
  }

  function unsavedMs(): number {
    return Number(clock.monoNs() - savedAtNs) / 1e6
  }

  function snapshot(): void {
    if (!writer.settled) return
    const { position } = writer.cursor
    // First: a snapshot stands behind the marks of its rows.
    marker?.save(position)
    savedAtNs = clock.monoNs()
    if (position === savedPosition && state.dirty.size === 0) return
    const taken = stages.take()
    try {
      saveSnapshot(db, state, {
        journal: options.journal.id,
        position,
        parts: store.writer.positions(),
        stages: taken,
      })
    } catch (error) {
      for (const count of taken) stages.addCount(count)
      throw error
    }
    savedPosition = position
  }

  /** In the chain as far as nothing may be written meanwhile; the copying goes on beside it. */
  async function freeze(dir: string): Promise<Frozen> {
    const { promise, resolve, reject } = Promise.withResolvers<{ done: Promise<Frozen> }>()
    queue(async () => {
      try {
        if (writer.settled) snapshot()
        resolve(await freezer.begin(dir, savedPosition))
      } catch (error) {
        reject(error)
      }
    })
    return await (
      await promise
    ).done
  }

  async function maintain(): Promise<void> {
    const nowNs = clock.nowNs()
    try {
      // A backup may have begun since this was queued.
      if (freezer.frozen) return
      // Rounds before their time need none.
      if (unsavedMs() > options.snapshotMs / 2) snapshot()
      maintainedPosition = writer.cursor.position
      const begunNs = clock.monoNs()
      const { checkpointed, droppedPartitions, behind } = await store.upkeep.maintain(nowNs)
      // Half of the time is for batches.
      const tookMs = Number(clock.monoNs() - begunNs) / 1e6
      if (behind >= MAINTENANCE_POSITIONS) nextRound = setTimeout(beginMaintenance, tookMs)
      if (droppedPartitions.length > 0)
        log.info({ droppedPartitions }, 'retention dropped partitions')
      tell({ type: 'maintained', release: Math.min(checkpointed, savedPosition), behind })
      if (nowNs - expiredAtNs > 3_600_000_000_000n) {
        expiredAtNs = nowNs
        rejections.expire(nowNs - daysNs(options.retention.rejectionDays))
      }
    } catch (error) {
      log.error({ err: error }, 'maintenance of the store failed; it is tried again')
    } finally {
      maintaining = false
    }
  }

  /** Finishes what is queued, but no longer than a moment: the journal has the rest. */
  async function close(): Promise<void> {
    clearInterval(timer)
    clearTimeout(nextRound)
    stopLooking()
    const giveUp = setTimeout(() => writer.close(), FINISH_MS)
    await work.catch(() => undefined)
    closing = true
    clearTimeout(giveUp)
    if (writer.settled) trySnapshot()
    await store.upkeep.close()
    marker?.close()
    reader.close()
    db.close()
    registry.close()
  }
}

function daysNs(days: number): bigint {
  return BigInt(Math.round(days * 86_400)) * 1_000_000_000n
}
