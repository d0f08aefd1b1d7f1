import type { BenchContext } from '../context.ts'

/** A part of the bench that runs on its own; its result is one key of the JSON. */
export interface Section {
  readonly name: string
  /** One line for `--help`. */
  readonly summary: string
  readonly needsLoad: boolean
  run(context: BenchContext): Promise<unknown>
}
