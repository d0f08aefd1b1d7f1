import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { PlatformError } from '#lib/runtime/errors.ts'
import { temporaryPath, type FileLayer } from './file-layer.ts'
import { segmentNumbers } from './segment-header.ts'

const FILE_NAME = 'journal.json'
const schema = z.object({ id: z.uuid() })

/** The UUID of the journal in a folder; made when the folder holds none. */
export async function identify(
  fileLayer: FileLayer,
  dir: string,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const names = await fileLayer.list(dir)
  if (names.includes(FILE_NAME)) return { id: await readId(fileLayer, dir), isNew: false }
  if (segmentNumbers(names).length > 0) {
    throw new PlatformError(
      'DATA_DIR_FOREIGN',
      `${dir}: expected ${FILE_NAME} beside the journal segments, found none: the segments cannot ` +
        `be told from those of another journal; bring ${FILE_NAME} back, or move the segments away`,
    )
  }
  const id = randomUUID()
  await writeId(fileLayer, dir, id)
  return { id, isNew: true }
}

async function readId(fileLayer: FileLayer, dir: string): Promise<string> {
  const file = await fileLayer.open(join(dir, FILE_NAME), 'existing')
  let text = ''
  try {
    const bytes = Buffer.alloc(await file.size())
    await file.read(bytes, 0)
    text = bytes.toString()
  } finally {
    await file.close()
  }
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data.id
  throw new PlatformError(
    'JOURNAL_CORRUPT',
    `${join(dir, FILE_NAME)}: expected {"id": "<UUID>"}, found ${JSON.stringify(text.slice(0, 80))}; ` +
      'bring the file back from a backup: it names the journal that the segments belong to',
  )
}

/** Whole or not at all: written beside, synced, then given its name. */
async function writeId(fileLayer: FileLayer, dir: string, id: string): Promise<void> {
  const temporary = temporaryPath(dir, FILE_NAME)
  const file = await fileLayer.open(temporary, 'create')
  try {
    await file.write(Buffer.from(`${JSON.stringify({ id })}\n`), 0)
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
