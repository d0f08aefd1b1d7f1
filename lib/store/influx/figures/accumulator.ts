import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import {
  addRun,
  emptyChannel,
  type ChannelRun,
  type LossDelta,
  type Place,
} from '../../loss-runs.ts'
import { MINUTE_NS } from '../../time-grid.ts'
import type { Buckets } from '../../options.ts'
import {
  FIGURE_STAGES,
  NOT_FOR_LATENCY,
  addCounts,
  addValue,
  noCounts,
  noStage,
  stageMs,
  type Counts,
  type Keys,
  type StageSum,
} from './figure-sums.ts'

/** The figures of one minute and one combination of keys. */
export interface MinuteFigures {
  readonly minute: number
  readonly keys: Keys
  readonly counts: Counts
  readonly stages: Map<string, StageSum>
}

/**
 * The figures of readings that are not in InfluxDB's minutes yet. They are made while readings go
 * by, in the order of the journal, so nothing has to be read back.
 */
export interface Accumulator {
  readonly figures: ReadonlyMap<string, MinuteFigures>
  /** Sequence numbers of the channels that have changed. */
  readonly channels: ReadonlyMap<string, ChannelRun>
  /** Position of its first reading; null while it has none. */
  readonly firstPosition: number | null
  add(readings: readonly Reading[]): void
}

export function createAccumulator(
  buckets: Buckets,
  known: (channel: string) => ChannelRun | undefined,
): Accumulator {
  const figures = new Map<string, MinuteFigures>()
  const channels = new Map<string, ChannelRun>()
  let firstPosition: number | null = null

  return {
    figures,
    channels,
    get firstPosition() {
      return firstPosition
    },
    add(readings) {
      for (const reading of readings) {
        firstPosition ??= reading.position
        const place = placeOf(reading)
        addVolume(reading, place)
        addLatency(reading, place)
        if (reading.seq !== null) addNumber(reading, reading.seq, place)
      }
    },
  }

  function figuresAt({ minute, keys }: Place): MinuteFigures {
    const key = `${minute} ${keys.join('\0')}`
    const found = figures.get(key)
    if (found) return found
    const fresh = { minute, keys, counts: noCounts(), stages: new Map<string, StageSum>() }
    figures.set(key, fresh)
    return fresh
  }

  /** Retained, will and replayed messages are no traffic of their moment (docs/domain.md 8.7). */
  function addVolume({ flags, bytes }: Reading, place: Place): void {
    if ((flags & FLAGS.not_live) !== 0) return
    const { counts } = figuresAt(place)
    counts.readings += 1
    counts.bytes += bytes
    if (bytes > 0) counts.messages += 1
    if ((flags & FLAGS.late) !== 0) counts.late += 1
  }

  function addLatency(reading: Reading, place: Place): void {
    if ((reading.flags & NOT_FOR_LATENCY) !== 0) return
    const rtt = reading.fields['rttMs']
    const timed = { ...reading, rttMs: typeof rtt === 'number' ? rtt : null }
    for (const stage of FIGURE_STAGES) {
      const ms = stageMs(timed, stage)
      if (ms === null) continue
      const { stages } = figuresAt(place)
      const sum = stages.get(stage) ?? noStage()
      stages.set(stage, sum)
      addValue(sum, ms, stage === 'uplink' ? reading.clockBoundMs : null, buckets.bucketOf(ms))
    }
  }

  function addNumber({ device, channel, flags }: Reading, seq: number, place: Place): void {
    const key = `${device} ${channel}`
    const before = channels.get(key) ?? known(key) ?? emptyChannel()
    const run = { from: seq, to: seq, place, live: (flags & FLAGS.not_live) === 0 }
    channels.set(key, addRun(before, run, count))
  }

  function count(place: Place, delta: Partial<LossDelta>): void {
    addCounts(figuresAt(place).counts, delta)
  }
}

function placeOf({ timeNs, device, kind, radio }: Reading): Place {
  const { rat = null, cellId = null, operator = null, band = null } = radio ?? {}
  return { minute: Number(timeNs / MINUTE_NS), keys: [device, kind, rat, cellId, operator, band] }
}
