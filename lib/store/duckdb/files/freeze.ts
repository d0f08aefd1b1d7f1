import { basename, join } from 'node:path'
import { hardLink } from '#lib/runtime/files.ts'
import { figuresPath } from '../figures/figures.ts'
import { FIGURES } from '../figures/grain.ts'
import { checkpointPart } from './maintain.ts'
import type { Session } from './session.ts'

/**
 * A checkpoint brings everything written into the files themselves. Writes after it go to the WALs
 * and to blocks that the checkpoint does not know, so what the files hold as of now stays readable
 * in them until the next checkpoint, while writing goes on.
 */
export async function freezeSession(session: Session, storeDir: string, dir: string) {
  const { parts, writer } = session
  for (const part of parts.values()) {
    if (part.dirtyFrom !== null) await checkpointPart(session, part)
  }
  await writer.run(`CHECKPOINT ${FIGURES}`)
  const paths = [...[...parts.values()].map(({ path }) => path), figuresPath(storeDir)]
  return paths.map((path) => {
    const name = basename(path)
    hardLink(path, join(dir, name))
    return name
  })
}
