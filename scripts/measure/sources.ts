import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One file of code that git knows. */
export interface Source {
  /** From the root of the checkout. */
  readonly path: string
  readonly text: string
  readonly isTest: boolean
}

/** Written by hand and run, or compiled for the browser; JSON, documents and cases are no code. */
const CODE = /\.(ts|tsx|mjs|css)$/

/** All code that git tracks in a checkout, as it stands on disk. */
export function readSources(dir: string): readonly Source[] {
  const listed = execFileSync('git', ['-C', dir, 'ls-files', '-z']).toString()
  return listed
    .split('\0')
    .filter((path) => CODE.test(path) && existsSync(join(dir, path)))
    .map((path) => ({
      path,
      text: readFileSync(join(dir, path), 'utf8'),
      isTest: path.startsWith('tests/'),
    }))
}

/** What is counted: the commit, and whether files differ from it. */
export function versionOf(dir: string): string {
  return execFileSync('git', ['-C', dir, 'describe', '--always', '--dirty', '--exclude', '*'])
    .toString()
    .trim()
}

/** Lines as `wc -l` counts them, and a last one without its line feed. */
export function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') || text === '' ? 1 : 0)
}
