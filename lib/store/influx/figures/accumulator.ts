import { bucketOf } from '#lib/kpi/buckets.ts'
import { addRun, createSequence, type LossCounts } from '#lib/kpi/network/loss.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { minuteKeyOf, type Keys, type MinuteKey } from '../../figure-keys.ts'
import type { ChannelSequence } from '../../sequences.ts'
import {
  FIGURE_STAGES,
  NOT_FOR_LATENCY,
  addCounts,
  addValue,
  noCounts,
  noStage,
  stageMs,
  type Counts,
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
  readonly channels: ReadonlyMap<string, ChannelSequence>
  /** Position of its first reading; null while it has none. */
  readonly firstPosition: number | null
  add(readings: readonly Reading[]): void
}

export function createAccumulator(
  known: (channel: string) => ChannelSequence | undefined,
): Accumulator {
  const figures = new Map<string, MinuteFigures>()
  const channels = new Map<string, ChannelSequence>()
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
        const key = minuteKeyOf(reading)
        addVolume(reading, key)
        addLatency(reading, key)
        if (reading.seq !== null) addNumber(reading, reading.seq, key)
      }
    },
  }

  function figuresAt({ minute, keys }: MinuteKey): MinuteFigures {
    const text = `${minute} ${keys.join('\0')}`
    const found = figures.get(text)
    if (found) return found
    const fresh = { minute, keys, counts: noCounts(), stages: new Map<string, StageSum>() }
    figures.set(text, fresh)
    return fresh
  }

  /** Retained, will and replayed messages are no traffic of their moment (docs/domain.md 8.7). */
  function addVolume({ flags, bytes }: Reading, key: MinuteKey): void {
    if ((flags & FLAGS.not_live) !== 0) return
    const { counts } = figuresAt(key)
    counts.readings += 1
    counts.bytes += bytes
    if (bytes > 0) counts.messages += 1
    if ((flags & FLAGS.late) !== 0) counts.late += 1
  }

  function addLatency(reading: Reading, key: MinuteKey): void {
    if ((reading.flags & NOT_FOR_LATENCY) !== 0) return
    const rtt = reading.fields['rttMs']
    const timed = { ...reading, rttMs: typeof rtt === 'number' ? rtt : null }
    for (const stage of FIGURE_STAGES) {
      const ms = stageMs(timed, stage)
      if (ms === null) continue
      const { stages } = figuresAt(key)
      const sum = stages.get(stage) ?? noStage()
      stages.set(stage, sum)
      addValue(sum, ms, stage === 'uplink' ? reading.clockBoundMs : null, bucketOf(ms))
    }
  }

  function addNumber({ device, channel, flags }: Reading, seq: number, key: MinuteKey): void {
    const name = `${device} ${channel}`
    const before = channels.get(name) ?? known(name) ?? createSequence<MinuteKey>()
    const run = { from: seq, to: seq, key, live: (flags & FLAGS.not_live) === 0 }
    channels.set(name, addRun(before, run, count))
  }

  function count(key: MinuteKey, counts: Partial<LossCounts>): void {
    addCounts(figuresAt(key).counts, counts)
  }
}
