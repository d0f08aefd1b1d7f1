import type { Generator } from './load/generator.ts'
import type { BenchOptions } from './options.ts'

/** What every section is given. */
export interface BenchContext {
  readonly options: BenchOptions
  readonly generator: Generator
  /** Messages per second of the steady profile. */
  readonly ratePerS: number
  /** Folder of the peer's files; null where the peer cannot run or is not wanted. */
  readonly peerTools: string | null
  /** An empty folder, removed at the end. */
  readonly freshDir: () => string
  /** Progress for the person who waits; results are returned. */
  readonly report: (line: unknown) => void
}
