import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const MODULES = new URL('../../node_modules', import.meta.url).pathname

/** The peer's files in a folder of their own, beside our packages. */
export function peerFolder(tools: string, dir: string): string {
  const folder = join(dir, 'peers')
  cpSync(join(tools, 'peers'), folder, { recursive: true })
  symlinkSync(MODULES, join(folder, 'node_modules'))
  return folder
}
