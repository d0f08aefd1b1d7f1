import { pino } from 'pino'
import { systemClock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { IncomingMessage, JournaledMessage } from '#lib/telemetry/message.ts'
import type { FileLayer } from '../../../../ingest/journal/files/file-layer.ts'
import type { Cursor, Journal } from '../../../../ingest/journal/journal.ts'
import { openJournal, type JournalOptions } from '../../../../ingest/journal/open-journal.ts'
import { openReader } from '../../../../ingest/journal/reading/reader.ts'

/** A log that keeps its lines for the test to look at. */
export interface CapturedLog {
  readonly log: Log
  readonly lines: readonly Record<string, unknown>[]
}

export function captureLog(): CapturedLog {
  const lines: Record<string, unknown>[] = []
  const log = pino(
    { level: 'debug', base: null },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  )
  return { log, lines }
}

export const ERROR_LEVEL = 50

/** A journal on a folder with small segments, no waiting and nothing kept back. */
export function openSmall(
  fileLayer: FileLayer,
  dir: string,
  more: Partial<JournalOptions> = {},
): ReturnType<typeof openJournal> {
  return openJournal({
    dir,
    fileLayer,
    clock: systemClock,
    log: captureLog().log,
    segmentBytes: 4096,
    windowMs: 0,
    lagBytes: 1e9,
    keepBytes: 1e9,
    keepHours: 48,
    freeBytes: 0,
    since: 0,
    fault: 'none',
    backoffMs: 1,
    ...more,
  })
}

/** A message whose payload names its number, so that a copy can be recognized anywhere. */
export function messageOf(number: number, more: Partial<IncomingMessage> = {}): IncomingMessage {
  return {
    device: 'acme.t1',
    topic: 'padborg/v1/acme/t1/telemetry',
    payload: Buffer.from(`message ${number};`),
    qos: 1,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: 1_764_000_000_000_000_000n + BigInt(number),
    receivedMonoNs: BigInt(number),
    origin: null,
    ...more,
  }
}

/** Appends; resolves with the position when the message is durable. */
export function appended(journal: Journal, message: IncomingMessage): Promise<number> {
  return new Promise((resolve, reject) =>
    journal.append(message, (error, position) => (error ? reject(error) : resolve(position))),
  )
}

/** Every record after a position, up to the end. */
export function readAll(
  source: { readonly dir: string; readonly id: string; readonly log?: Log },
  to: Cursor,
  { after = 0, maxBytes = 100_000 }: { readonly after?: number; readonly maxBytes?: number } = {},
): JournaledMessage[] {
  const reader = openReader({ log: captureLog().log, ...source })
  const all: JournaledMessage[] = []
  try {
    for (let at = reader.seek(after); at.segment !== to.segment || at.offset !== to.offset;) {
      const { messages, next } = reader.read(at, to, maxBytes)
      all.push(...messages)
      if (next.segment === at.segment && next.offset === at.offset) break
      at = next
    }
    return all
  } finally {
    reader.close()
  }
}

/** What the journal must give back of a message: equal texts, bytes, numbers and flags. */
export function recordOf(message: IncomingMessage, position: number) {
  return { ...message, payload: Buffer.from(message.payload).toString('base64'), position }
}
