import { createApiClient } from '../api/api-client.ts'
import { NO_PATHS } from '../api/available-paths.ts'
import { createPlatformClock, type PlatformClock } from '../api/platform-clock.ts'
import type { Session } from '../api/rows.ts'
import { createCell, type Cell } from './cell.ts'
import { createContact } from './contact.ts'
import { createLastValues } from './last-values.ts'
import { followPlatform, type LiveParts } from './live-updates.ts'
import { createMessageRate, type MessageRate } from './message-rate.ts'
import { createPolls, type Polls } from './polls.ts'

/** Everything that the pages read, composed once. */
export interface Portal extends LiveParts {
  readonly clock: PlatformClock
  readonly session: Cell<Session | null>
  readonly rate: MessageRate
  readonly polls: Polls
  begin(session: Session): void
  end(): void
}

export function createPortal(): Portal {
  const clock = createPlatformClock()
  const session = createCell<Session | null>(null)
  const contact = createContact(() => clock.nowMs())
  const paths = createCell(NO_PATHS)
  const transport = createCell<'stream' | 'poll'>('poll')
  const lastValues = createLastValues()
  const rate = createMessageRate()
  const client = createApiClient(clock, {
    reached: (is) => (is ? contact.made() : contact.failed()),
    signedOut: () => portal.end(),
  })
  const polls = createPolls(client, clock, {
    lastValues: (rows) => lastValues.replace(rows),
    delivery: (rows) => rate.add(rows, clock.nowMs()),
  })
  let stop: (() => void) | null = null

  const portal: Portal = {
    client,
    clock,
    session,
    contact,
    paths,
    transport,
    lastValues,
    rate,
    polls,
    accessTo: (path) => paths.get().accessOf(path, session.get()?.role ?? ''),
    begin(signedIn) {
      portal.end()
      session.set(signedIn)
      stop = followPlatform(portal)
    },
    end() {
      stop?.()
      stop = null
      session.set(null)
      lastValues.clear()
      rate.clear()
    },
  }
  return portal
}
