import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock } from '#lib/runtime/clock.ts'
import { decodeError } from '#lib/runtime/error-codec.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { YOUNG_GENERATION_MIB } from '#lib/runtime/threads/process-flags.ts'
import { createCaller, serveCalls } from '#lib/runtime/threads/rpc.ts'
import type { WantedSubDevice } from '#lib/registry/sub-devices.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClientCertificate, ClockSample, DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { IngestPort, IngestStatus } from '#lib/telemetry/questions.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import { createAccepted, type Accepted } from './main-thread/accepted.ts'
import { createBackups, type BackupOptions, type Backups } from './backup/backup.ts'
import { loadRead, loadSaved, openIngestDb } from './state/ingest-db.ts'
import { createIngestPort, ingestStatus } from './main-thread/ingest-port.ts'
import { createLiveHub } from './main-thread/live-hub.ts'
import type { Durable, Journal } from './journal/journal.ts'
import { createFileLayer } from './journal/files/file-layer.ts'
import { openJournal } from './journal/open-journal.ts'
import type { FromWorker, ToWorker } from './thread-messages.ts'
import { createReplay } from './main-thread/replay-run.ts'
import { createStageClock } from './state/stage-clock.ts'
import type { IngestOptions, WorkerOptions } from './ingest-options.ts'

/** What became of the messages of a batch: each is counted exactly once. */
export interface SettledCounts {
  readonly stored: number
  readonly duplicate: number
  readonly rejectedByReason: Readonly<Record<string, number>>
}

export interface IngestEvents {
  /** Rejections to be told to devices. */
  notices(notices: readonly DeviceNotice[]): void
  settled(counts: SettledCounts): void
  /** Messages that one group commit made durable. */
  accepted(messages: number): void
  /** The ingest worker cannot go on: the platform has to stop. */
  fatal(error: Error): void
}

/** What the ingest role needs of the rest of the process. */
export interface IngestHooks {
  /**
   * The registry is written where it is open: on this thread (`lib/registry/sub-devices.ts`).
   * The worker hears of what is created by `registryChanged`, before this returns.
   */
  createSubDevices?(wanted: readonly WantedSubDevice[]): void
  /** Whose a foreign topic is now; null while it is nobody's. */
  ownerOf?(topic: string): FullId | null
  /** Why no messages come to the intake; '' when they can. */
  inletProblem?(): string
}

export interface IngestDeps extends IngestHooks {
  readonly clock: Clock
  readonly log: Log
}

/** The ingest role of one process: journal on this thread, everything behind it on a worker. */
export interface Ingest {
  readonly intake: Intake
  readonly port: IngestPort
  readonly live: LiveFeed
  readonly backups: Backups
  readonly journal: Journal
  status(): IngestStatus
  /** Robots that are ONLINE and send no `state`. */
  silentRobots(): number
  /** Stored messages whose figures were not derived yet at the last maintenance. */
  figuresBehind(): number
  /** The registry has changed: the worker reads it again. */
  registryChanged(): void
  /** Flushes the journal, lets the worker finish its batch, and closes both. */
  close(): Promise<void>
}

/**
 * Opens journal and worker. Throws DATA_DIR_FOREIGN, STORE_AHEAD or JOURNAL_UNAVAILABLE. Resolves
 * when messages can be taken; what an earlier run left in the journal is stored meanwhile.
 */
export async function openIngest(
  options: IngestOptions,
  events: IngestEvents,
  { clock, log, ...hooks }: IngestDeps,
): Promise<Ingest> {
  const saved = readSaved(options.dataDir)
  const accepted = createAccepted(saved.read)
  const dir = join(options.dataDir, 'journal')
  const { journal, report } = await openJournal({
    ...options.journal,
    dir,
    fileLayer: createFileLayer(),
    clock,
    log,
    since: saved.position,
    onRecord: (device, origin) => {
      if (!origin) accepted.add(device)
    },
  })
  if (saved.journal !== null && saved.journal !== journal.id) {
    await journal.close()
    throw foreignJournal(options.dataDir, saved.journal, journal.id)
  }
  if (report.lastPosition < saved.position) {
    await journal.close()
    throw storeAhead(options.dataDir, saved.position, report.lastPosition)
  }
  const { journal: _journal, batchMs, backupStallMs, ...plain } = options
  const workerOptions: WorkerOptions = {
    ...plain,
    journal: { id: journal.id, dir, lastPosition: report.lastPosition },
  }
  const worker = new Worker(new URL('./worker-thread/worker.ts', import.meta.url), {
    workerData: workerOptions,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB.ingestWorker },
  })
  try {
    await ready(worker)
  } catch (error) {
    await journal.close()
    await worker.terminate()
    throw error
  }
  return connect({
    worker,
    journal,
    accepted,
    events,
    clock,
    log,
    hooks,
    batchMs,
    backups: {
      dataDir: options.dataDir,
      registryPath: options.registryPath,
      stallMs: backupStallMs,
    },
    written: saved.position,
    waitingSinceNs: report.oldestReceivedAtNs ?? clock.nowNs(),
  })
}

/** What ingest.db says before the worker takes it over. */
function readSaved(dataDir: string) {
  const db = openIngestDb(join(dataDir, 'ingest.db'))
  try {
    return { ...loadSaved(db), read: loadRead(db) }
  } finally {
    db.close()
  }
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromWorker) => {
      worker.off('message', onMessage)
      worker.off('error', reject)
      if (message.type === 'failed') reject(decodeError(message.error))
      else resolve()
    }
    worker.on('message', onMessage)
    worker.on('error', reject)
  })
}

interface Connection {
  readonly worker: Worker
  readonly journal: Journal
  readonly accepted: Accepted
  readonly events: IngestEvents
  readonly clock: Clock
  readonly log: Log
  readonly hooks: IngestHooks
  readonly batchMs: number
  readonly backups: BackupOptions
  /** Position that was saved by the last run. */
  readonly written: number
  /** When the first message behind it came. */
  readonly waitingSinceNs: bigint
}

function connect(connection: Connection): Ingest {
  const { worker, journal, accepted, events, clock, log, batchMs } = connection
  const caller = createCaller(worker)
  serveCalls(worker, {
    createSubDevices: (wanted: readonly WantedSubDevice[]) =>
      connection.hooks.createSubDevices?.(wanted),
  })
  const stages = createStageClock()
  let commands = new Map<FullId, number>()
  let clocks: [FullId, ClockSample][] = []
  let certificates = new Map<FullId, ClientCertificate | null>()
  const { written, waitingSinceNs } = connection
  const progress = { written, lastReceivedAtNs: 0n, waitingSinceNs, problem: '' }
  let durablePosition = journal.durable.position
  let silentRobots = 0
  let figuresBehind = 0
  let busy = false
  let closing = false
  let sentAtNs = 0n
  let sent: Durable | null = null
  let timer: NodeJS.Timeout | null = null
  /** Messages of one group became durable together: their clock is read once. */
  let group: { messages: number; readonly monoNs: bigint; took(ms: number): void } | null = null
  const replay = createReplay({ journal, caller, clock, ...connection.hooks })
  const problem = () => progress.problem
  const inletProblem = () => connection.hooks.inletProblem?.() ?? ''
  const backups = createBackups({ ...connection.backups, journal, caller, problem, clock, log })
  const live = createLiveHub({ journal: journal.id, caller, progress, log })

  journal.onDurable(() => {
    // The writer had everything: what is durable now is the first that waits.
    if (progress.written >= durablePosition) progress.waitingSinceNs = clock.nowNs()
    durablePosition = journal.durable.position
    endGroup()
    wake()
  })
  journal.onPausedChange((paused) => post({ type: 'paused', paused }))
  worker.on('message', onMessage)
  worker.on('error', (error: Error) => events.fatal(error))
  worker.on('exit', (code) => {
    if (!closing) events.fatal(new Error(`the ingest worker ended with code ${code}`))
  })
  wake()

  const intake: Intake = {
    accept(message, done) {
      journal.append(message, (error) => {
        if (!error) count(message)
        done(error)
      })
    },
    get held() {
      return journal.paused
    },
    onHeldChange: (listener) => journal.onPausedChange(listener),
    clockSample(device, sample) {
      clocks.push([device, sample])
      schedule()
    },
    command(device) {
      commands.set(device, (commands.get(device) ?? 0) + 1)
      schedule()
    },
    certificate(device, certificate) {
      certificates.set(device, certificate)
      schedule()
    },
  }

  return {
    intake,
    port: createIngestPort({ caller, journal, accepted, replay, progress, inletProblem, clock }),
    live,
    backups,
    journal,
    status: () => ingestStatus({ journal, progress, inletProblem, clock }),
    silentRobots: () => silentRobots,
    figuresBehind: () => figuresBehind,
    registryChanged: () => post({ type: 'registry' }),
    async close() {
      await journal.close()
      // One more round, so that what was flushed is also stored when the store is well.
      send()
      closing = true
      if (timer) clearTimeout(timer)
      await caller.call('close', null)
      caller.close()
      await worker.terminate()
    },
  }

  function count({ device, receivedMonoNs }: IncomingMessage): void {
    accepted.add(device)
    group ??= { messages: 0, monoNs: clock.monoNs(), took: stages.at('durable', clock.nowNs()) }
    group.messages += 1
    group.took(Number(group.monoNs - receivedMonoNs) / 1e6)
  }

  /** The journal tells it behind the messages of each group commit. */
  function endGroup(): void {
    if (group) events.accepted(group.messages)
    group = null
  }

  /** A batch is begun at most every `batchMs`, at once when nothing went on for that long. */
  function wake(): void {
    if (busy || timer || closing) return
    const { durable } = journal
    if (sent && durable.position === sent.position) return
    schedule()
  }

  function schedule(): void {
    if (busy || timer || closing) return
    const waitedMs = Number(clock.monoNs() - sentAtNs) / 1e6
    if (waitedMs >= batchMs) send()
    else timer = setTimeout(send, batchMs - waitedMs)
  }

  function send(): void {
    if (timer) clearTimeout(timer)
    timer = null
    busy = true
    sentAtNs = clock.monoNs()
    sent = journal.durable
    post({
      type: 'durable',
      durable: sent,
      commands: [...commands],
      clocks,
      certificates: [...certificates],
      stages: stages.take(),
    })
    commands = new Map()
    clocks = []
    certificates = new Map()
  }

  function onMessage(message: FromWorker): void {
    if (message.type === 'written') {
      progress.written = message.position
      progress.lastReceivedAtNs = message.lastReceivedAtNs
      const { stored, duplicate } = message.counts
      events.settled({ stored, duplicate, rejectedByReason: message.rejectedByReason })
      if (message.notices.length > 0) events.notices(message.notices)
      replay.settle(message.position, message.replays)
    } else if (message.type === 'live') live.publish(message.batch)
    else if (message.type === 'idle') {
      busy = false
      wake()
      if (commands.size > 0 || clocks.length > 0 || certificates.size > 0) schedule()
    } else if (message.type === 'maintained') {
      journal.release(message.release)
      figuresBehind = message.behind
    } else if (message.type === 'problem') progress.problem = message.text
    else if (message.type === 'silent') silentRobots = message.robots
    else if (message.type === 'failed') {
      log.error({ code: message.error.code }, message.error.message)
      events.fatal(decodeError(message.error))
    }
  }

  function post(message: ToWorker): void {
    worker.postMessage(message)
  }
}

function foreignJournal(dataDir: string, wanted: string, found: string): PlatformError {
  return new PlatformError(
    'DATA_DIR_FOREIGN',
    `PADBORG_DATA_DIR=${dataDir}: ingest.db and store belong to journal ${wanted}, but the journal ` +
      `folder holds ${found}; bring the right journal folder back, or begin with an empty directory`,
  )
}

function storeAhead(dataDir: string, position: number, last: number): PlatformError {
  return new PlatformError(
    'STORE_AHEAD',
    `PADBORG_DATA_DIR=${dataDir}: the store has seen position ${position}, but the journal ends at ` +
      `${last}: the journal was replaced by an older one; restore both from the same backup`,
  )
}
