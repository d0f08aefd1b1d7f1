import type { Outgoing } from '../messages/outgoing.ts'
import type { Delay } from '../models/delay-profile.ts'

/** What a device does in one step. */
export interface Act {
  readonly outgoing: readonly Outgoing[]
  /** Delay of the radio link; null without service: then messages wait in the device. */
  readonly delay: Delay | null
}

/**
 * A simulated device. It knows neither clock nor network: it receives the time and returns messages,
 * so the same seed and times give the same bytes.
 */
export interface Actor {
  /** Full id, `<tenant>.<device>`. */
  readonly device: string
  /** How often it acts unless a load run sets the rate. */
  readonly everyMs: number
  /** The MQTT will. */
  readonly will?: (atMs: number) => Outgoing
  /** Published after connecting, and before a clean disconnect. */
  readonly onlineMessages?: (atMs: number) => readonly Outgoing[]
  readonly offlineMessages?: (atMs: number) => readonly Outgoing[]
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

/** A wired connection: no delay. */
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
