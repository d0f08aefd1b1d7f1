import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import { writeFileAtomic } from '#lib/runtime/files.ts'
import { randomId } from '#lib/runtime/random.ts'

/** What a restarted process needs to continue its session at the foreign broker. */
export interface SessionFile {
  readonly clientId: string
  /** Filters that the session has there, as they were subscribed to. */
  readonly filters: readonly string[]
  save(filters: readonly string[]): void
}

const Content = z.object({
  clientId: z.string().min(1),
  filters: z.array(z.string()).readonly(),
})

/** Every server takes 23 letters and digits ([MQTT-3.1.3-5]). */
const CLIENT_ID_LENGTH = 23

/** Opens or creates the file of a data directory. Throws DATA_DIR_UNUSABLE. */
export function openSessionFile(path: string): SessionFile {
  const known = read(path)
  const clientId = known?.clientId ?? newClientId()
  let filters = known?.filters ?? []
  if (!known) write(path, { clientId, filters })
  return {
    clientId,
    get filters() {
      return filters
    },
    save(now) {
      if (now.length === filters.length && now.every((filter, at) => filter === filters[at])) return
      write(path, { clientId, filters: now })
      filters = now
    },
  }
}

function newClientId(): string {
  return `padborg${randomId().replaceAll('-', '')}`.slice(0, CLIENT_ID_LENGTH)
}

function read(path: string): z.infer<typeof Content> | null {
  try {
    return Content.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null
    throw unusable(path, 'expected the client id and filters of our session, got', error)
  }
}

function write(path: string, content: z.infer<typeof Content>): void {
  try {
    writeFileAtomic(path, `${JSON.stringify(content)}\n`)
  } catch (error) {
    throw unusable(path, 'cannot be written:', error)
  }
}

function unusable(path: string, what: string, error: unknown): PlatformError {
  return new PlatformError(
    'DATA_DIR_UNUSABLE',
    `${path}: ${what} ${messageOf(error)}; check disk and permissions, or remove the file: the foreign ` +
      'broker then makes a new session, and messages that wait in the old one are lost',
    { cause: error },
  )
}
