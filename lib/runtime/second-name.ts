import { constants, copyFileSync, linkSync } from 'node:fs'
import { systemCodeOf } from './errors.ts'

/**
 * Gives a file a second name on the same disk, so that it stays when the first one goes. Where the
 * file system knows no such thing it is copied (at once, where it can share blocks).
 */
export function giveSecondName(path: string, other: string): void {
  try {
    linkSync(path, other)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') throw error
    copyFileSync(path, other, constants.COPYFILE_FICLONE)
  }
}
