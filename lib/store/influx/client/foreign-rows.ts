import { PlatformError } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'

/** A value that none of our points has. Where it cannot be skipped, the query fails, and nothing else. */
export class ForeignCell extends PlatformError {
  constructor(expected: string, column: string, got: unknown) {
    super(
      'STORE_UNAVAILABLE',
      `expected ${expected} in column ${column} of InfluxDB, got ${typeof got}: another program ` +
        'writes to the measurements of this platform; give it a database of its own',
    )
  }
}

/** Measurements that are named; one of them in each of ours is all there can be. */
const MAX_NAMED = 20

/** Rows in measurements of ours that another program has written: they are skipped and counted. */
export class ForeignRows {
  readonly #log: Log
  readonly #counts = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  add(measurement: string, { message }: ForeignCell): void {
    const before = this.#counts.get(measurement) ?? 0
    if (before === 0)
      this.#log.warn({ measurement, reason: message }, 'rows of InfluxDB are skipped')
    if (before > 0 || this.#counts.size < MAX_NAMED) this.#counts.set(measurement, before + 1)
  }

  /** For people; '' while there are none. A row counts each time it is read. */
  get warning(): string {
    if (this.#counts.size === 0) return ''
    const found = [...this.#counts].map(([measurement, n]) => `${measurement} (${n} times)`)
    return (
      `rows that this platform did not write are skipped in InfluxDB: ${found.join(', ')}; ` +
      'another program writes to the same measurements: give it a database of its own'
    )
  }
}
