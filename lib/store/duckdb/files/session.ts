import type { DuckDBConnection } from '@duckdb/node-api'
import type { Appenders } from '../write/append.ts'
import type { Engine } from './engine.ts'
import type { Figures } from '../figures/figures.ts'
import type { LossTail } from '../figures/loss-tail.ts'
import type { Part } from './part.ts'

/** Everything that lives as long as one DuckDB instance. After a fatal error all of it is made again. */
export interface Session {
  readonly engine: Engine
  /** The connection of `write`, `known` and `maintain`, which follow each other. */
  readonly writer: DuckDBConnection
  readonly appenders: Appenders
  readonly parts: Map<string, Part>
  readonly figures: Figures
  readonly lossTail: LossTail
  readonly readers: Readers
}

/** Connections of scans, made when needed and used again. */
export interface Readers {
  take(): Promise<DuckDBConnection>
  give(connection: DuckDBConnection): void
}

export function createReaders(engine: Engine): Readers {
  const idle: DuckDBConnection[] = []
  return {
    take: async () => idle.pop() ?? engine.connect(),
    give: (connection) => void idle.push(connection),
  }
}
