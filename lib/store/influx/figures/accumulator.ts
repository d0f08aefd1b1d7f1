import { addRun, createSequence, type LossCounts } from '#lib/kpi/network/loss.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { minuteKeyOf, type Keys, type MinuteKey } from '../../figure-keys.ts'
import type { ChannelSequence } from '../../sequences.ts'
import {
  FIGURE_STAGES,
  addCounts,
  addValue,
  isLive,
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
export class Accumulator {
  readonly #known: (channel: string) => ChannelSequence | undefined
  readonly #figures = new Map<string, MinuteFigures>()
  readonly #channels = new Map<string, ChannelSequence>()
  #firstPosition: number | null = null

  /** `known` gives the sequence of a channel from before. */
  constructor(known: (channel: string) => ChannelSequence | undefined) {
    this.#known = known
  }

  get figures(): ReadonlyMap<string, MinuteFigures> {
    return this.#figures
  }

  /** Sequence numbers of the channels that have changed. */
  get channels(): ReadonlyMap<string, ChannelSequence> {
    return this.#channels
  }

  /** Position of its first reading; null while it has none. */
  get firstPosition(): number | null {
    return this.#firstPosition
  }

  add(readings: readonly Reading[]): void {
    for (const reading of readings) {
      this.#firstPosition ??= reading.position
      const key = minuteKeyOf(reading)
      this.#addVolume(reading, key)
      this.#addLatency(reading, key)
      if (reading.seq !== null) this.#addNumber(reading, reading.seq, key)
    }
  }

  #figuresAt({ minute, keys }: MinuteKey): MinuteFigures {
    const text = `${minute} ${keys.join('\0')}`
    const found = this.#figures.get(text)
    if (found) return found
    const fresh = { minute, keys, counts: noCounts(), stages: new Map<string, StageSum>() }
    this.#figures.set(text, fresh)
    return fresh
  }

  #addVolume(reading: Reading, key: MinuteKey): void {
    if (!isLive(reading)) return
    const { flags, bytes } = reading
    const { counts } = this.#figuresAt(key)
    counts.readings += 1
    counts.bytes += bytes
    if (bytes > 0) counts.messages += 1
    if ((flags & FLAGS.late) !== 0) counts.late += 1
  }

  #addLatency(reading: Reading, key: MinuteKey): void {
    if (!isLive(reading)) return
    const rtt = reading.fields['rttMs']
    const timed = { ...reading, rttMs: typeof rtt === 'number' ? rtt : null }
    for (const stage of FIGURE_STAGES) {
      const ms = stageMs(timed, stage)
      if (ms === null) continue
      const { stages } = this.#figuresAt(key)
      const sum = stages.get(stage) ?? noStage()
      stages.set(stage, sum)
      addValue(sum, ms, stage === 'uplink' ? reading.clockBoundMs : null, reading)
    }
  }

  #addNumber(reading: Reading, seq: number, key: MinuteKey): void {
    const { device, channel } = reading
    const name = `${device} ${channel}`
    const before = this.#channels.get(name) ?? this.#known(name) ?? createSequence<MinuteKey>()
    const run = { from: seq, to: seq, key, live: isLive(reading) }
    const count = (at: MinuteKey, counts: Partial<LossCounts>) =>
      addCounts(this.#figuresAt(at).counts, counts)
    this.#channels.set(name, addRun(before, run, count))
  }
}
