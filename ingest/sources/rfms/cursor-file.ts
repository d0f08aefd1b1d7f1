import { z } from 'zod'
import { StateFile } from '../state-file.ts'

/** Where the next round of a server begins, and what was taken already from there on. */
export interface Cursor {
  /** `starttime` of the next request, Unix ms: everything received before it is durable. */
  readonly startMs: number
  /** Hash and receive time of what is durable at or after it. */
  readonly seen: readonly (readonly [string, number])[]
}

const Content = z.object({
  startMs: z.number(),
  seen: z.array(z.tuple([z.string(), z.number()]).readonly()).readonly(),
})

export function cursorFile(path: string): StateFile<Cursor> {
  return new StateFile(path, Content, {
    content: 'the cursor of an rFMS server',
    ifRemoved:
      'the next request then begins at "firstHours", and what is stored already is not stored again',
  })
}
