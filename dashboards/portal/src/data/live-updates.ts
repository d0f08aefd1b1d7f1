import { loadAvailablePaths } from '../api/available-paths.ts'
import { followEvents, type StreamEvent } from '../api/event-stream.ts'
import type { Reading } from '../api/rows.ts'
import type { Portal } from './portal.ts'

/** How often readings of the stream reach the screen. */
const FLUSH_MS = 500
const RETRY_MS = 2000

/** Learns what the platform offers, then follows its events. Returns how to end it. */
export function followPlatform(portal: Portal): () => void {
  const flusher = setInterval(() => portal.lastValues.flush(), FLUSH_MS)
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
    portal.paths.set(paths)
    if (portal.accessTo('/live') !== 'open') return
    stopEvents = followEvents(portal.client, '/live', {
      event: (event) => applyEvent(portal, event),
      streaming: (isStreaming) => portal.transport.set(isStreaming ? 'stream' : 'poll'),
    })
  }
}

function applyEvent({ lastValues, polls }: Portal, { event, data }: StreamEvent): void {
  // Events carry readings in the shape of the lists.
  if (event === 'reading') lastValues.add(JSON.parse(data) as Reading)
  if (event === 'rejection') polls.rejections.refresh()
  // The platform left something out: what is on the screen is loaded again.
  if (event === 'gap') polls.lastValues.refresh()
}
