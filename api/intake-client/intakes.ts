import type { PlatformError } from '#lib/runtime/errors.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { IngestPort } from '#lib/queries/port.ts'

/** An intake the API shows: the one of this process, or one of those in others. */
export interface IntakeSource {
  /** Its address; null in one process. */
  readonly name: string | null
  /** Answers for this very intake: what it took in itself. */
  readonly port: IngestPort
  readonly live: LiveFeed
  /** Why it does not reply at present; null when it does. */
  problem(): PlatformError | null
  /** Nothing was heard of it for so long that viewers are sent away: they come back and are told. */
  readonly isLost: boolean
}

export function ownIntake(port: IngestPort, live: LiveFeed): IntakeSource {
  return { name: null, port, live, problem: () => null, isLost: false }
}
