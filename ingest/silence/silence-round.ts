import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { SilenceRow } from '#lib/telemetry/live.ts'
import type { JournalReader } from '../journal/journal.ts'
import type { LiveWatch } from '../live/live-watch.ts'
import type { FromWorker } from '../thread-messages.ts'
import { createSilenceWatch } from './state-silence.ts'

export interface SilenceRoundDeps {
  readonly device: (id: FullId) => Device | null
  readonly clock: Clock
  readonly log: Log
  readonly live: Pick<LiveWatch, 'silencesOf'>
  readonly tell: (message: FromWorker) => void
}

/** On the ingest thread: looks for silent robots from time to time, and tells of them. */
export interface SilenceRound {
  /** A reader of which every message is heard here too. */
  listenTo(reader: JournalReader): JournalReader
  lasting(device: FullId): readonly SilenceRow[]
  /** The journal is durable up to what came by this time, and will be read up to there. */
  begin(durableAtNs: bigint): void
  /** All that was begun is read. */
  finish(): void
  /** `queue` brings each round behind what is being written. The answer ends it. */
  start(queue: () => void): () => void
  look(position: number): void
  /** Whether the platform has stopped reading from publishers: the journal is full or cannot be written. */
  setPaused(paused: boolean): void
}

const LIMIT_S = 60
const EVERY_MS = 5000
/** The main thread answers the end of a batch with the next one well within this. */
const NEXT_BATCH_NS = 2_000_000_000n
/** Lines per round: when a whole site falls silent, the number says it. */
const MAX_LINES = 20

export function watchSilence(deps: SilenceRoundDeps, limitS: number = LIMIT_S): SilenceRound {
  const { device, clock, log, live, tell } = deps
  const startedNs = clock.nowNs()
  const limitNs = BigInt(Math.round(limitS * 1000)) * 1_000_000n
  const watch = createSilenceWatch({ device, limitNs, startedNs })
  let told = 0
  let isQueued = false
  let isPaused = false
  let begun = 0
  let finishedNs = startedNs
  let durableNs = startedNs
  let soughtNs = startedNs

  return {
    listenTo: (reader) => ({
      seek: (position) => reader.seek(position),
      close: () => reader.close(),
      read(from, to, maxBytes) {
        const read = reader.read(from, to, maxBytes)
        watch.heard(read.messages)
        return read
      },
    }),
    lasting: (id) => watch.lasting(id),
    begin(durableAtNs) {
      begun += 1
      soughtNs = durableAtNs
    },
    finish() {
      begun -= 1
      finishedNs = clock.nowNs()
      durableNs = soughtNs
    },
    start(queue) {
      const timer = setInterval(
        () => {
          // While the store refuses, the chain stands still: one round waits, not one per tick.
          if (isQueued) return
          isQueued = true
          queue()
        },
        Math.min(EVERY_MS, (limitS * 1000) / 4),
      )
      return () => clearInterval(timer)
    },
    look(position) {
      isQueued = false
      if (isPaused) return
      const changes = watch.look(heardUpToNs())
      write(changes)
      const robots = watch.lasting().length
      if (robots !== told) tell({ type: 'silent', robots })
      told = robots
      const batch = live.silencesOf(changes, position)
      if (batch) tell({ type: 'live', batch })
    },
    setPaused(paused) {
      if (isPaused && !paused) watch.ignoreBefore(clock.nowNs())
      isPaused = paused
    },
  }

  /** A writer that lags has not heard what was received since: that is no silence of a robot. */
  function heardUpToNs(): bigint {
    const nowNs = clock.nowNs()
    const isBehind = begun > 0 || nowNs - finishedNs < NEXT_BATCH_NS
    return isBehind ? durableNs : nowNs
  }

  function write(changes: readonly SilenceRow[]): void {
    for (const { device: id, topic, sinceNs, ended } of changes.slice(0, MAX_LINES)) {
      const since = Temporal.Instant.fromEpochNanoseconds(sinceNs).toString()
      if (ended) log.info({ device: id, topic, since, by: ended.by }, 'a robot is silent no more')
      else log.warn({ device: id, topic, since, limitS }, 'a robot is ONLINE and sends no state')
    }
    const more = changes.length - MAX_LINES
    if (more > 0) log.warn({ more }, 'more robots fell silent or were heard again')
  }
}
