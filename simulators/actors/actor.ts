import type { Outgoing } from '../messages/outgoing.ts'
import type { Delay } from '../models/delay-profile.ts'

/** What a device does in one step. */
export interface Act {
  readonly outgoing: readonly Outgoing[]
  /** The air at that moment; null without service: then messages wait in the device. */
  readonly delay: Delay | null
}

/**
 * A simulated device as the engine sees it. It knows neither clock nor network: the time is handed
 * in, the messages are handed out, so the same seed and times give the same bytes.
 */
export interface Actor {
  /** Full id, `<tenant>.<device>`. */
  readonly device: string
  /** How often it acts when nobody else sets the pace. */
  readonly everyMs: number
  /** Left with the broker for the case that the connection breaks. */
  readonly will?: (atMs: number) => Outgoing
  /** Said after connecting and before an orderly end. */
  readonly hello?: (atMs: number) => readonly Outgoing[]
  readonly bye?: (atMs: number) => readonly Outgoing[]
  act(atMs: number, dtMs: number): Act
  /** Turns a finished round trip into a message, in devices that measure the network. */
  readonly probed?: (result: ProbeResult, atMs: number) => Outgoing
}

export interface ProbeResult {
  /** Null: no answer in time. */
  readonly rttMs: number | null
  readonly sent: number
  readonly received: number
  readonly lost: number
  readonly sizeBytes: number
}

/** A connection by wire: no delay of its own. */
export const WIRED: Delay = { uplinkMs: 0, downlinkMs: 0 }

export function telemetryTopic(device: string): string {
  return `padborg/v1/${device.replace('.', '/')}/telemetry`
}

/** Counts up by one for each reading of a channel. */
export function createSequence(start: number): () => number {
  let next = start
  return () => {
    next += 1
    return next - 1
  }
}
