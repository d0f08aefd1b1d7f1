import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { PlatformError } from '#lib/runtime/errors.ts'
import { temporaryPath, type FileLayer } from './files/file-layer.ts'
import { segmentNumbers } from './segments/segment-header.ts'

/** What distinguishes the journal of a folder from every other one. */
export interface Identity {
  /** UUID; part of event ids, so everybody may know it. */
  readonly id: string
  /**
   * UUID that never leaves the folder. It seeds the checksums: otherwise a device could send a
   * payload that holds a whole record of another tenant, and a torn write would uncover it.
   */
  readonly secret: string
}

const FILE_NAME = 'journal.json'
const schema = z.object({ id: z.uuid(), secret: z.uuid() })

/** The identity of the journal in a folder; made when the folder holds none. */
export async function identify(
  fileLayer: FileLayer,
  dir: string,
): Promise<{ readonly identity: Identity; readonly isNew: boolean }> {
  const names = await fileLayer.list(dir)
  if (names.includes(FILE_NAME)) {
    return { identity: parse(dir, await readText(fileLayer, dir)), isNew: false }
  }
  if (segmentNumbers(names).length > 0) {
    throw new PlatformError(
      'DATA_DIR_FOREIGN',
      `${dir}: expected ${FILE_NAME} beside the journal segments, found none: the segments cannot ` +
        `be distinguished from those of another journal; bring ${FILE_NAME} back, or move the segments away`,
    )
  }
  const identity = { id: randomUUID(), secret: randomUUID() }
  await write(fileLayer, dir, identity)
  return { identity, isNew: true }
}

/** The identity of a journal that is open elsewhere; throws DATA_DIR_FOREIGN if it is not `id`. */
export function identitySync(dir: string, id: string): Identity {
  const identity = parse(dir, fs.readFileSync(join(dir, FILE_NAME), 'utf8'))
  if (identity.id === id) return identity
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${dir}: expected journal ${id}, found journal ${identity.id}; bring the right folder back`,
  )
}

async function readText(fileLayer: FileLayer, dir: string): Promise<string> {
  const file = await fileLayer.open(join(dir, FILE_NAME), 'existing')
  try {
    const bytes = Buffer.alloc(await file.size())
    await file.read(bytes, 0)
    return bytes.toString()
  } finally {
    await file.close()
  }
}

function parse(dir: string, text: string): Identity {
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new PlatformError(
    'JOURNAL_CORRUPT',
    `${join(dir, FILE_NAME)}: expected {"id": "<UUID>", "secret": "<UUID>"}, found ${text.length} ` +
      'characters of something else; bring the file back from a backup: it names the journal that ' +
      'the segments belong to',
  )
}

/** Whole or not at all: written beside, synced, then renamed. */
async function write(fileLayer: FileLayer, dir: string, identity: Identity): Promise<void> {
  const temporary = temporaryPath(dir, FILE_NAME)
  const file = await fileLayer.open(temporary, 'create')
  try {
    await file.write(Buffer.from(`${JSON.stringify(identity)}\n`), 0)
    await file.datasync()
  } finally {
    await file.close()
  }
  await fileLayer.rename(temporary, join(dir, FILE_NAME))
  await fileLayer.syncDir(dir)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
