import { addRun, createSequence, type Run } from '#lib/kpi/network/loss.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { channelKey } from './figures.ts'
import { createLossSums, type LossPart } from './loss-part.ts'
import { minuteKeyOf, type MinuteKey } from '../../figure-keys.ts'
import type { ChannelSequence } from '../../sequences.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'

const MAX_KEYS = 16

type Channels = ReadonlyMap<string, ChannelSequence>

interface Series {
  readonly device: string
  readonly channel: string
  readonly runs: OpenRun[]
  /** Of its last minute: a device that goes back and forth between cells needs no new ones. */
  readonly keys: MinuteKey[]
}

interface OpenRun extends Run<MinuteKey> {
  to: number
}

/**
 * Loss of the rows after the roll-up, followed while they are written: reading them again and sorting
 * them by channel is most of the work of a roll-up. It knows a run of positions from a moment on at
 * which everything was rolled up; of anything else it knows nothing, and `lossAfter` reads the files.
 */
export class LossTail {
  #begun: number | null = null
  #end = 0
  #devices = new Map<string, Map<string, Series>>()

  /** Everything up to a position is rolled up: goes on from there. */
  begin(position: number): void {
    this.#begun = position
    this.#end = position
    this.#devices = new Map()
  }

  /** Rows that are in their files now, in the order of the journal, up to a position. */
  add(readings: readonly Reading[], toPosition: number): void {
    if (this.#begun === null || toPosition <= this.#end) return
    for (const reading of readings) {
      if (reading.position > this.#end && reading.seq !== null) this.#follow(reading, reading.seq)
    }
    this.#end = toPosition
  }

  /** Whether it has seen exactly the positions after `from` up to `to`. */
  covers(from: number, to: number): boolean {
    return this.#begun === from && this.#end === to
  }

  /** The loss of exactly the positions after `from` up to `to`; null where it has not seen them. */
  between(from: number, to: number, before: Channels): LossPart | null {
    return this.#end === to ? this.after(from, before) : null
  }

  /** The loss of everything after `from`. */
  after(from: number, before: Channels): LossPart | null {
    if (this.#begun !== from) return null
    const sums = createLossSums()
    const channels = new Map<string, ChannelSequence>()
    for (const series of this.#devices.values()) {
      for (const { device, channel, runs } of series.values()) {
        const key = channelKey(device, channel)
        let state = before.get(key) ?? createSequence<MinuteKey>()
        for (const run of runs) state = addRun(state, run, sums.count)
        channels.set(key, state)
      }
    }
    return { changes: sums.changes(), channels }
  }

  #follow(reading: Reading, seq: number): void {
    const { runs, keys } = this.#seriesOf(reading.device, reading.channel)
    const last = runs.at(-1)
    const minute = Number(reading.timeNs / MINUTE_NS)
    const live = (reading.flags & FLAGS.not_live) === 0
    if (last?.to === seq - 1 && last.live === live && isOf(last.key, reading, minute)) {
      last.to = seq
    } else runs.push({ from: seq, to: seq, key: keyIn(keys, reading, minute), live })
  }

  #seriesOf(device: string, channel: string): Series {
    let channels = this.#devices.get(device)
    if (!channels) this.#devices.set(device, (channels = new Map()))
    let series = channels.get(channel)
    if (!series) channels.set(channel, (series = { device, channel, runs: [], keys: [] }))
    return series
  }
}

/** The key of a reading, one of those given if it is among them. */
function keyIn(known: MinuteKey[], reading: Reading, minute: number): MinuteKey {
  for (const key of known) if (isOf(key, reading, minute)) return key
  if (known[0]?.minute !== minute || known.length === MAX_KEYS) known.length = 0
  const key = minuteKeyOf(reading)
  known.push(key)
  return key
}

function isOf({ minute, keys }: MinuteKey, { kind, radio }: Reading, at: number): boolean {
  return (
    minute === at &&
    keys[1] === kind &&
    keys[2] === (radio?.rat ?? null) &&
    keys[3] === (radio?.cellId ?? null) &&
    keys[4] === (radio?.operator ?? null) &&
    keys[5] === (radio?.band ?? null)
  )
}
