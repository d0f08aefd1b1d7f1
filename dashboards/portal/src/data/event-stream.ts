import type { ApiClient } from './api-client.ts'

export interface StreamEvent {
  readonly event: string
  readonly data: string
}

export interface StreamHandlers {
  event(event: StreamEvent): void
  /** Whether events flow, so that nobody has to ask for what comes by itself. */
  flowing(isFlowing: boolean): void
}

/** Heartbeats come far more often; a silent connection is a dead one. */
const SILENCE_MS = 45_000
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/**
 * Server-sent events by fetch: unlike EventSource it can begin a new session, and goes on from the
 * last id after any answer that is not a stream. Returns how to end it.
 */
export function followEvents(client: ApiClient, path: string, handlers: StreamHandlers) {
  let lastId: string | null = null
  let pauseMs = FIRST_PAUSE_MS
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
        pauseMs = FIRST_PAUSE_MS
        handlers.flowing(true)
        await read(response.body)
      }
    } catch {
      // Refused, cut off, or silent too long: the next attempt goes on from the last id.
    }
    handlers.flowing(false)
    if (ended) return
    timer = setTimeout(() => void connect(), pauseMs)
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
  }

  async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const watchdog = createWatchdog(SILENCE_MS, () => current.abort())
    const parser = createEventParser((event, id) => {
      if (id !== null) lastId = id
      handlers.event(event)
    })
    try {
      for await (const text of body.pipeThrough(new TextDecoderStream())) {
        watchdog.feed()
        parser(text)
      }
    } finally {
      watchdog.stop()
    }
  }
}

function createWatchdog(limitMs: number, bark: () => void) {
  let timer = setTimeout(bark, limitMs)
  return {
    feed() {
      clearTimeout(timer)
      timer = setTimeout(bark, limitMs)
    },
    stop: () => clearTimeout(timer),
  }
}

/** A line longer than this is no event of ours; keeps a broken stream from filling the memory. */
const LONGEST_LINE = 4 * 1024 * 1024

/** Takes pieces of an event stream as they come (HTML standard, chapter 9.2). */
export function createEventParser(
  emit: (event: StreamEvent, id: string | null) => void,
): (text: string) => void {
  let rest = ''
  let id: string | null = null
  let event = ''
  let data: string[] = []

  return (text) => {
    // A \r at the end may be the first half of \r\n: it waits for what follows.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE) throw new RangeError('a line of the event stream is too long')
    for (const line of lines) takeLine(line)
  }

  function takeLine(line: string): void {
    if (line === '') {
      if (data.length > 0 || id !== null) {
        emit({ event: event || 'message', data: data.join('\n') }, id)
      }
      event = ''
      data = []
      id = null
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'id') id = value
    else if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
}
