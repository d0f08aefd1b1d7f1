import type { ApiClient } from '../api/api-client.ts'
import { loadAvailablePaths, type Access, type AvailablePaths } from '../api/available-paths.ts'
import { followEvents, type StreamEvent } from '../api/event-stream.ts'
import type { Reading } from '../api/rows.ts'
import type { Cell } from './cell.ts'
import type { Contact } from './contact.ts'
import type { LastValues } from './last-values.ts'
import type { Poll } from './poll.ts'

/** How often readings of the stream reach the screen. */
const FLUSH_MS = 500
const RETRY_MS = 2000

/** The parts of the portal that follow the platform. */
export interface LiveParts {
  readonly client: ApiClient
  readonly paths: Cell<AvailablePaths>
  readonly transport: Cell<'stream' | 'poll'>
  readonly lastValues: LastValues
  readonly contact: Contact
  readonly polls: Readonly<Record<'lastValues' | 'rejections', Pick<Poll<unknown>, 'refresh'>>>
  /** Whether the signed-in role may query this path. */
  accessTo(path: string): Access
}

/** Learns what the platform offers, then follows its events. Returns how to end it. */
export function followPlatform(parts: LiveParts): () => void {
  const flusher = setInterval(() => parts.lastValues.flush(), FLUSH_MS)
  let stopEvents: (() => void) | null = null
  let ended = false
  void begin()
  return () => {
    ended = true
    clearInterval(flusher)
    stopEvents?.()
  }

  async function begin(): Promise<void> {
    const paths = await loadAvailablePaths()
    if (ended) return
    if (!paths) {
      setTimeout(() => void (ended || begin()), RETRY_MS)
      return
    }
    parts.paths.set(paths)
    if (parts.accessTo('/live') !== 'open') return
    stopEvents = followEvents(parts.client, '/live', {
      alive: () => parts.contact.made(),
      event: (event) => applyEvent(parts, event),
      streaming: (isStreaming) => parts.transport.set(isStreaming ? 'stream' : 'poll'),
    })
  }
}

function applyEvent({ lastValues, polls }: LiveParts, { event, data }: StreamEvent): void {
  // Events carry readings in the shape of the lists.
  if (event === 'reading') lastValues.add(JSON.parse(data) as Reading)
  if (event === 'rejection') polls.rejections.refresh()
  // The platform left something out: what is on the screen is loaded again.
  if (event === 'gap') polls.lastValues.refresh()
}
