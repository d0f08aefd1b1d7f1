import { z } from 'zod'
import { randomId } from '#lib/runtime/random.ts'
import { StateFile } from '../../state-file.ts'

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
  const file = new StateFile(path, Content, {
    content: 'the client id and filters of our session',
    ifRemoved:
      'the foreign broker then makes a new session, and messages that wait in the old one are lost',
  })
  const known = file.read()
  const clientId = known?.clientId ?? newClientId()
  let filters = known?.filters ?? []
  if (!known) file.write({ clientId, filters })
  return {
    clientId,
    get filters() {
      return filters
    },
    save(now) {
      if (now.length === filters.length && now.every((filter, at) => filter === filters[at])) return
      file.write({ clientId, filters: now })
      filters = now
    },
  }
}

function newClientId(): string {
  return `padborg${randomId().replaceAll('-', '')}`.slice(0, CLIENT_ID_LENGTH)
}
