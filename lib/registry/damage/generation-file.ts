import { existsSync, readFileSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import { writeFileAtomic } from '#lib/runtime/files.ts'
import { rowDigest } from './row-digest.ts'

/*
 * How many changes the registry has seen, in a file beside it: an older `registry.db`, in which a
 * revoked key is still valid, is whole in itself and known only by this number.
 */

/**
 * Returns what writes the file after each change: the change is on disk then, so that the file is never
 * ahead of the registry.
 */
export function createGenerationWriter(db: DatabaseSync, registryPath: string): () => void {
  const select = db.prepare('SELECT generation FROM seal')
  let written = readGeneration(registryPath)
  return () => {
    const generation = Number(select.get()?.['generation'])
    if (generation === written) return
    writeFileAtomic(pathOf(registryPath), `${generation} ${digestOf(generation)}\n`)
    written = generation
  }
}

/**
 * 0 without the file: a registry of an earlier version, or restored from a backup. Throws
 * DATA_DIR_FOREIGN when it is damaged.
 */
export function readGeneration(registryPath: string): number {
  const path = pathOf(registryPath)
  const text = readIfThere(path)
  if (text === null) return 0
  const [generation = Number.NaN, digest] = text.split(' ').map(Number)
  if (digest === digestOf(generation)) return generation
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${path}: expected the number of changes of the registry, got a damaged file; if ` +
      `${registryPath} is the newest one, remove this file and it is made again, else restore a backup`,
  )
}

/** Throws DATA_DIR_FOREIGN when the registry has fewer changes than the file beside it says. */
export function requireNotOlder(registryPath: string, found: number, expected: number): void {
  if (found >= expected) return
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${registryPath}: expected the registry after ${expected} changes, got an older one after ` +
      `${found}, in which deleted keys may be valid; restore a backup, or if it is meant to be this ` +
      `one, remove ${pathOf(registryPath)}`,
  )
}

/**
 * An empty registry in the place of a lost one would let anybody take the ids of others. Throws
 * DATA_DIR_FOREIGN when a file that is made after the registry is there without it.
 */
export function requireNotLost(registryPath: string, followers: readonly string[]): void {
  const bytes = statSync(registryPath, { throwIfNoEntry: false })?.size ?? 0
  if (bytes > 0) return
  const found = [pathOf(registryPath), ...followers].find((path) => existsSync(path))
  if (found === undefined) return
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${registryPath}: expected the registry that belongs to ${found}, got none; check the path, ` +
      'restore a backup, or begin with an empty data directory',
  )
}

function pathOf(registryPath: string): string {
  return `${registryPath}.generation`
}

function digestOf(generation: number): number {
  return rowDigest('generation', generation)
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null
    throw new PlatformError(
      'DATA_DIR_UNUSABLE',
      `${path} cannot be read (${messageOf(error)}); it must belong to the user of the platform`,
      { cause: error },
    )
  }
}
