import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ROOT } from './compose-file.ts'
import { copiesOf, readDockerfile } from './docker-file.ts'

/**
 * What a stage of the Dockerfile copies from this folder, laid out in another one: a process started
 * there finds what it would find in the image, and misses what it would miss. Packages are those
 * of this folder; a test of the imports sees to it that no development package is among them.
 */
export function layOutStage(name: string, dir: string): void {
  for (const stage of readDockerfile()) {
    if (stage.name !== name && stage.name !== 'base') continue
    for (const { from, sources, target } of copiesOf(stage)) {
      if (from === null) for (const source of sources) copy(source, target, dir)
    }
  }
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
}

/** A target that ends in `/` is a folder; a folder that is copied leaves its own name behind. */
function copy(source: string, target: string, dir: string): void {
  const to = join(dir, target.endsWith('/') ? join(target, basename(source)) : target)
  mkdirSync(dirname(to), { recursive: true })
  cpSync(join(ROOT, source), to, {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)$/.test(path),
  })
}
