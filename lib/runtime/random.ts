import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from './clock.ts'

/** 192 bits cannot be guessed, so a plain SHA-256 of the secret may be stored. */
const SECRET_BYTES = 24

/**
 * A secret that cannot be guessed, safe in URLs, shells and topic levels. The prefix shows people and
 * secret scanners what it is, and keeps a leading `-` from being read as an option.
 */
export function randomSecret(prefix = 'pbs_'): string {
  return prefix + randomBytes(SECRET_BYTES).toString('base64url')
}

/** A unique id. */
export function randomId(): string {
  return randomUUID()
}

/** Numbers that differ from process to process, for pauses that must not coincide. Never for secrets. */
export function createRandomFromClock(clock: Clock): Random {
  return createRandom(Number(clock.nowNs() % 2n ** 48n))
}

export interface Random {
  /** At least 0, below 1. */
  next(): number
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number
  pick<T>(list: readonly T[]): T
}

/**
 * Numbers that depend on the seed alone, the same on every machine, for tests and simulators: sfc32
 * (Chris Doty-Humphrey's small fast counter, PractRand). Never for secrets.
 */
export function createRandom(seed: number): Random {
  let a = seed >>> 0
  let b = Math.floor(seed / 2 ** 32) >>> 0
  let c = 0x9e3779b9
  let counter = 1
  // Seeds that differ in one bit give unrelated numbers after a dozen steps.
  for (let step = 0; step < 12; step += 1) nextWord()

  return { next, integer, pick }

  function nextWord(): number {
    const word = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + word) | 0
    return word >>> 0
  }

  function next(): number {
    return nextWord() / 2 ** 32
  }

  function integer(min: number, max: number): number {
    return min + Math.floor(next() * (max - min + 1))
  }

  function pick<T>(list: readonly T[]): T {
    const at = Math.floor(next() * list.length)
    if (at >= list.length) throw new RangeError('pick needs a list with at least one entry')
    // `at` is below the length, as just checked.
    return list[at] as T
  }
}
