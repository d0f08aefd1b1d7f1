import { createRandom, type Random } from '#lib/runtime/random.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Line } from '../../seeds/history/line.ts'
import { historyOf } from '../../seeds/send-history.ts'
import { HEAT_TENANT } from '../../seeds/testbed/heat.ts'
import { TENANTS } from '../../seeds/testbed/tenants.ts'

/*
 * The history of the testbed as it would have arrived: each reading by itself, numbered, after a
 * delay; some lost, some twice, some late, some broken. The same seed gives the same bytes at the
 * same times, so that two platforms can be given the very same day.
 */

/** A message at the moment the intake reads it. */
export interface Arrival {
  readonly device: FullId
  readonly topic: string
  readonly payload: string
  readonly receivedAtMs: number
}

export interface SimulatedDay {
  readonly seed: number
  /** Unix ms at which everything ends. */
  readonly endMs: number
  /** How much of the fleet's day, and of the 35 days of heat. */
  readonly fleetMs: number
  readonly heatMs: number
}

/** Its clock is ahead, so that its messages come before they were measured. */
const AHEAD = { device: 'marskfragt.truck-03', byMs: 46_000 }
/** Of a thousand messages each. */
const LOST = 20
const TWICE = 15
const LATE = 20
const BROKEN = 10
const PARTIAL = 10

/** In the order of arrival. */
export function arrivalsOf({ seed, endMs, fleetMs, heatMs }: SimulatedDay): Arrival[] {
  const random = createRandom(seed)
  const arrivals = TENANTS.flatMap(({ id: tenant }) => {
    const fromMs = endMs - (tenant === HEAT_TENANT ? heatMs : fleetMs)
    const history = historyOf(tenant, { seed, endMs, isKnown: () => false })
    const lines = [...numbered(history)].filter(({ atMs }) => atMs >= fromMs)
    return lines.flatMap((line) => arrivalsOfLine(line, random))
  })
  return arrivals.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs)
}

/** Bundles of a store-and-forward box become live messages, each with its sequence number. */
function* numbered(lines: Iterable<Line>): Generator<Line> {
  const last = new Map<string, number>()
  for (const line of lines) {
    if (!line.payload.startsWith('[')) {
      yield line
      continue
    }
    for (const element of JSON.parse(line.payload)) {
      const seq = (last.get(line.device) ?? 0) + 1
      last.set(line.device, seq)
      yield { ...line, atMs: element.ts, payload: JSON.stringify({ ...element, seq }) }
    }
  }
}

function arrivalsOfLine({ device, topic, payload, atMs }: Line, random: Random): Arrival[] {
  const aheadMs = device === AHEAD.device ? AHEAD.byMs : 0
  const delayMs = 8 + 30 * random.next() ** 4 - aheadMs
  const lot = random.integer(0, 999)
  const whole = { device, topic, payload, receivedAtMs: atMs + delayMs }
  let below = LOST
  if (lot < below) return []
  if (lot < (below += TWICE)) return [whole, { ...whole, receivedAtMs: atMs + delayMs + 2000 }]
  if (lot < (below += LATE)) {
    return [{ ...whole, receivedAtMs: atMs + delayMs + random.integer(60_000, 600_000) }]
  }
  if (lot < (below += BROKEN)) return [whole, { ...whole, payload: payload.slice(0, -1) }]
  if (lot < below + PARTIAL) return [{ ...whole, payload: `[${payload},{"v":1,"kind":"none"}]` }]
  return [whole]
}
