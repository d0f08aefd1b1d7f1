import { HOUR_NS, MINUTE_NS, floorTo } from '#lib/telemetry/time-grid.ts'
import type { Accumulator } from '../figures/accumulator.ts'
import { STEPS, figureLines, nodeOf, type Figure } from '../figures/figure-lines.ts'
import type { Influx } from '../client/influx.ts'
import { pointLine } from './line.ts'
import type { LocalState } from '../state/local-state.ts'

/** Lines of one request: a few MB at most. */
const WRITE_LINES = 5000

export interface Flushing {
  readonly influx: Influx
  readonly local: LocalState
  readonly journal: string
}

/** Puts the figures of readings up to a position into the outbox, with everything that goes along. */
export function prepareFlush({ local, journal }: Flushing, sums: Accumulator, upTo: number): void {
  const node = nodeOf(journal)
  const minutes: Figure[] = []
  const hours: Figure[] = []
  const dirty = new Set<number>()
  for (const { minute, keys, counts, stages } of sums.figures.values()) {
    const timeNs = BigInt(minute) * MINUTE_NS
    if (timeNs < local.minuteFloorNs) {
      hours.push({ timeNs: floorTo(timeNs, HOUR_NS), keys, counts, stages })
      continue
    }
    minutes.push({ timeNs, keys, counts, stages })
    dirty.add(Number(timeNs / HOUR_NS))
  }
  const lines = [
    ...figureLines(minutes, { step: 'minute', node, upTo, slot: upTo }),
    // The minutes of such an hour are gone: what comes late is added to it.
    ...figureLines(hours, { step: 'hour', node, upTo, slot: upTo + 1 }),
  ]
  local.saveFlush({ upTo, lines, hours: dirty, channels: sums.channels })
}

/** Sends what is in the outbox, and records in InfluxDB how far its figures go now. */
export async function sendOutbox(
  { influx, local, journal }: Flushing,
  nowNs: bigint,
  signal?: AbortSignal,
): Promise<void> {
  const lines = local.outbox()
  if (lines.length > 0) {
    await writeLines(influx, lines, signal)
    await writeLines(influx, [progressLine(journal, local.rolled, nowNs)], signal)
  }
  local.emptyOutbox()
}

export async function writeLines(
  influx: Influx,
  lines: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  for (let from = 0; from < lines.length; from += WRITE_LINES) {
    await influx.write(lines.slice(from, from + WRITE_LINES), signal)
  }
}

export const PROGRESS = 'store_progress'

/** A copy of the position, by which a database that was restored is noticed. */
function progressLine(journal: string, position: number, nowNs: bigint): string {
  return pointLine({
    measurement: PROGRESS,
    tags: { node: nodeOf(journal) },
    fields: { position: BigInt(position), journal },
    timeNs: nowNs,
  })
}

/** The measurements of figures, for retention. */
export const FIGURE_MEASUREMENTS = {
  minute: [STEPS.minute.counts, STEPS.minute.latency],
  hour: [STEPS.hour.counts, STEPS.hour.latency],
} as const
