import { createParser } from 'eventsource-parser'
import type { ApiClient } from './api-client.ts'

export interface StreamEvent {
  readonly event: string
  readonly data: string
}

export interface StreamHandlers {
  readonly event: (event: StreamEvent) => void
  /** Something arrived, be it a heartbeat. */
  readonly alive: () => void
  /** Whether events arrive by themselves, so that polling is only a fallback. */
  readonly streaming: (isStreaming: boolean) => void
}

/** Heartbeats are far more frequent: a silent connection is a dead one. */
const SILENCE_MS = 45_000
const MIN_PAUSE_MS = 1000
const MAX_PAUSE_MS = 30_000

/**
 * Server-sent events by fetch: unlike EventSource it can begin a new session, and resumes after the
 * last id whatever the last response was. Returns how to end it.
 */
export function followEvents(
  client: Pick<ApiClient, 'open'>,
  path: string,
  handlers: StreamHandlers,
) {
  let lastId: string | null = null
  let pauseMs = MIN_PAUSE_MS
  let timer: ReturnType<typeof setTimeout> | undefined
  let current = new AbortController()
  let ended = false
  void connect()
  return () => {
    ended = true
    clearTimeout(timer)
    current.abort()
  }

  async function connect(): Promise<void> {
    current = new AbortController()
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(lastId ? { 'last-event-id': lastId } : {}),
      }
      const response = await client.open(path, headers, current.signal)
      if (response.ok && response.body) {
        pauseMs = MIN_PAUSE_MS
        handlers.streaming(true)
        await readEvents(response.body, {
          event: handlers.event,
          id: (id) => (lastId = id),
          alive: handlers.alive,
          silent: () => current.abort(),
        })
      }
    } catch {
      // Refused, cut off or silent for too long: the next attempt resumes after the last id.
    }
    handlers.streaming(false)
    if (ended) return
    timer = setTimeout(() => void connect(), pauseMs)
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
  }
}

interface StreamReader extends ReaderEvents {
  readonly alive: () => void
  /** Nothing arrived for too long. */
  readonly silent: () => void
}

async function readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  reader: StreamReader,
): Promise<void> {
  const watchdog = createWatchdog(SILENCE_MS, reader.silent)
  const feed = createEventReader(reader)
  try {
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      watchdog.restart()
      reader.alive()
      feed(text)
    }
  } finally {
    watchdog.stop()
  }
}

function createWatchdog(limitMs: number, expire: () => void) {
  let timer = setTimeout(expire, limitMs)
  return {
    restart() {
      clearTimeout(timer)
      timer = setTimeout(expire, limitMs)
    },
    stop: () => clearTimeout(timer),
  }
}

/** No event of the platform is longer; a broken stream must not fill the memory. */
const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024

interface ReaderEvents {
  readonly event: (event: StreamEvent) => void
  /** The id to resume after. A heartbeat has an id and no data, so it moves it too. */
  readonly id: (id: string) => unknown
}

/** Takes pieces of an event stream as they arrive. Throws when an event is too long. */
export function createEventReader({ event, id }: ReaderEvents): (text: string) => void {
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onId: id,
    onEvent: (message) => event({ event: message.event ?? 'message', data: message.data }),
    onError(error) {
      // Fields the standard does not know are no errors: they are skipped.
      if (error.type === 'max-buffer-size-exceeded') throw error
    },
  })
  return (text) => parser.feed(text)
}
