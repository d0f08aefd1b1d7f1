import { addRun, createSequence, type Run } from '#lib/kpi/network/loss.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { channelKey } from './figures.ts'
import { createLossSums, type LossPart } from './loss-part.ts'
import { minuteKeyOf, type MinuteKey } from '../../figure-keys.ts'
import type { ChannelSequence } from '../../sequences.ts'
import { MINUTE_NS } from '../../time-grid.ts'

/**
 * Loss of the rows behind the roll-up, followed while they are written: reading them again and sorting
 * them by channel is most of the work of a roll-up. It knows a run of positions from a moment on at
 * which everything was rolled up; of anything else it says nothing, and `lossAfter` asks the files.
 */
export interface LossTail {
  /** Everything up to a position is rolled up: goes on from there. */
  begin(position: number): void
  /** Rows that are in their files now, in the order of the journal, up to a position. */
  add(readings: readonly Reading[], toPosition: number): void
  /** Whether it has seen exactly the positions behind `from` up to `to`. */
  covers(from: number, to: number): boolean
  /** The loss of exactly the positions behind `from` up to `to`; null where it has not seen them. */
  between(from: number, to: number, before: ReadonlyMap<string, ChannelSequence>): LossPart | null
  /** The loss of everything behind `from`. */
  behind(from: number, before: ReadonlyMap<string, ChannelSequence>): LossPart | null
}

const MAX_KEYS = 16

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

export function createLossTail(): LossTail {
  let begun: number | null = null
  let end = 0
  let devices = new Map<string, Map<string, Series>>()

  return {
    begin(position) {
      begun = position
      end = position
      devices = new Map()
    },
    add(readings, toPosition) {
      if (begun === null || toPosition <= end) return
      for (const reading of readings) {
        if (reading.position > end && reading.seq !== null) follow(reading, reading.seq)
      }
      end = toPosition
    },
    covers: (from, to) => begun === from && end === to,
    between: (from, to, before) => (end === to ? behind(from, before) : null),
    behind,
  }

  function behind(from: number, before: ReadonlyMap<string, ChannelSequence>): LossPart | null {
    if (begun !== from) return null
    const sums = createLossSums()
    const channels = new Map<string, ChannelSequence>()
    for (const series of devices.values()) {
      for (const { device, channel, runs } of series.values()) {
        const key = channelKey(device, channel)
        let state = before.get(key) ?? createSequence<MinuteKey>()
        for (const run of runs) state = addRun(state, run, sums.count)
        channels.set(key, state)
      }
    }
    return { changes: sums.changes(), channels }
  }

  function follow(reading: Reading, seq: number): void {
    const { runs, keys } = seriesOf(reading.device, reading.channel)
    const last = runs.at(-1)
    const minute = Number(reading.timeNs / MINUTE_NS)
    const live = (reading.flags & FLAGS.not_live) === 0
    if (last?.to === seq - 1 && last.live === live && isOf(last.key, reading, minute)) {
      last.to = seq
    } else runs.push({ from: seq, to: seq, key: keyIn(keys, reading, minute), live })
  }

  function seriesOf(device: string, channel: string): Series {
    let channels = devices.get(device)
    if (!channels) devices.set(device, (channels = new Map()))
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
