import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import { writeFileAtomic } from '#lib/runtime/files.ts'

/** From where a server is asked on, and what it has told already from there. */
export interface Cursor {
  /** `starttime` of the next question, Unix ms: everything received before it is durable. */
  readonly startMs: number
  /** Hash and receive time of what is durable at or after it. */
  readonly seen: readonly (readonly [string, number])[]
}

const Content = z.object({
  startMs: z.number(),
  seen: z.array(z.tuple([z.string(), z.number()]).readonly()).readonly(),
})

/** Null: there is none yet. Throws DATA_DIR_UNUSABLE. */
export function readCursor(path: string): Cursor | null {
  try {
    return Content.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null
    throw unusable(path, 'expected the cursor of an rFMS server, got', error)
  }
}

/** Whole or not at all, and on disk when it returns. Throws DATA_DIR_UNUSABLE. */
export function writeCursor(path: string, cursor: Cursor): void {
  try {
    writeFileAtomic(path, `${JSON.stringify(cursor)}\n`)
  } catch (error) {
    throw unusable(path, 'cannot be written:', error)
  }
}

function unusable(path: string, what: string, error: unknown): PlatformError {
  return new PlatformError(
    'DATA_DIR_UNUSABLE',
    `${path}: ${what} ${messageOf(error)}; check disk and rights, or remove the file: the server is ` +
      'then asked from "firstHours" on, and what is stored already is not stored again',
    { cause: error },
  )
}
