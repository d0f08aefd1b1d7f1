import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** A folder of the product's sources with its own node_modules. */
export interface Checkout {
  readonly dir: string
  readonly commit: string
  /** Whether files differ from the commit. */
  readonly isModified: boolean
}

const THIS_DIR = join(import.meta.dirname, '..', '..')

export function thisCheckout(): Checkout {
  return readCheckout(THIS_DIR)
}

export function readCheckout(dir: string): Checkout {
  for (const needed of ['main.ts', 'package.json', 'node_modules']) {
    if (!existsSync(join(dir, needed))) {
      throw new Error(
        `${dir}: expected a checkout with its packages installed, ${needed} is missing`,
      )
    }
  }
  return {
    dir,
    commit: git(dir, ['rev-parse', 'HEAD']),
    isModified: git(dir, ['status', '--porcelain']) !== '',
  }
}

function git(dir: string, args: readonly string[]): string {
  return execFileSync('git', ['-C', dir, ...args])
    .toString()
    .trim()
}
