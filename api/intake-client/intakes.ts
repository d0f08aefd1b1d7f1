import type { PlatformError } from '#lib/runtime/errors.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { IngestPort } from '#lib/queries/port.ts'

/** An intake whose data the API shows: the one of this process, or one in another process. */
export interface IntakeSource {
  /** Its address; null in one process. */
  readonly name: string | null
  /** Runs queries on this intake alone: on the messages it received itself. */
  readonly port: IngestPort
  readonly live: LiveFeed
  /** Why it does not reply; null when it does. */
  problem(): PlatformError | null
  /** It has not replied for so long that live streams are ended: viewers reconnect and get the error. */
  readonly isLost: boolean
}

export function ownIntake(port: IngestPort, live: LiveFeed): IntakeSource {
  return { name: null, port, live, problem: () => null, isLost: false }
}
