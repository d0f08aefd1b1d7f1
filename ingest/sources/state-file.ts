import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import { writeFileAtomic } from '#lib/runtime/files.ts'

export interface StateFileTexts {
  /** What the file holds: `expected <content>, got ...`. */
  readonly content: string
  /** What happens when somebody removes the file. */
  readonly ifRemoved: string
}

/** A small JSON file that a source needs after a restart, written whole or not at all. */
export class StateFile<T> {
  readonly #path: string
  readonly #schema: z.ZodType<T>
  readonly #texts: StateFileTexts

  constructor(path: string, schema: z.ZodType<T>, texts: StateFileTexts) {
    this.#path = path
    this.#schema = schema
    this.#texts = texts
  }

  /** Null: there is none yet. Throws DATA_DIR_UNUSABLE. */
  read(): T | null {
    try {
      return this.#schema.parse(JSON.parse(readFileSync(this.#path, 'utf8')))
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return null
      throw this.#unusable(`expected ${this.#texts.content}, got`, error)
    }
  }

  /** On disk when it returns. Throws DATA_DIR_UNUSABLE. */
  write(content: T): void {
    try {
      writeFileAtomic(this.#path, `${JSON.stringify(content)}\n`)
    } catch (error) {
      throw this.#unusable('cannot be written:', error)
    }
  }

  #unusable(what: string, error: unknown): PlatformError {
    return new PlatformError(
      'DATA_DIR_UNUSABLE',
      `${this.#path}: ${what} ${messageOf(error)}; check disk and permissions, or remove the file: ` +
        this.#texts.ifRemoved,
      { cause: error },
    )
  }
}
