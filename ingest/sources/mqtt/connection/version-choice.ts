import type { ProtocolVersion } from '#lib/mqtt/packet-types.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Ending } from './connection.ts'

/** A broker that restarts closes without an answer once or twice. */
const SILENT_CLOSES = 3

/**
 * `trying-5`: nothing speaks against MQTT 5. `guess-3`: 3.1.1 on suspicion. `proof-3`: 3.1.1 works, and
 * 5 is tried once more at once. `only-3`: decided.
 */
type State = 'trying-5' | 'guess-3' | 'proof-3' | 'only-3'

/**
 * Which version of MQTT to speak: 5, or 3.1.1 with a broker that refuses 5. Choosing 3.1.1 by mistake
 * would end the sharing between intakes, so that silence alone is no proof: old brokers close without
 * an answer, but so does a load balancer while its broker is away.
 */
export class VersionChoice {
  readonly #log: Log
  #state: State = 'trying-5'
  #silentCloses = 0

  constructor(log: Log) {
    this.#log = log
  }

  get version(): ProtocolVersion {
    return this.#state === 'guess-3' || this.#state === 'only-3' ? 4 : 5
  }

  /** The broker has accepted the connection; false: disconnect, MQTT 5 is to be tried once more. */
  accepted(): boolean {
    this.#silentCloses = 0
    if (this.#state === 'guess-3') {
      this.#state = 'proof-3'
      return false
    }
    if (this.#state === 'proof-3') this.#state = 'trying-5'
    return true
  }

  /** A connection ended; true when the next attempt is to be made at once. */
  ended({ refusesVersion, silent }: Pick<Ending, 'refusesVersion' | 'silent'>): boolean {
    if (this.#state === 'only-3') return false
    if (refusesVersion && this.#state !== 'guess-3') return this.#decide('refuses MQTT 5')
    if (this.#state === 'proof-3' && silent) {
      return this.#decide('closes connections of MQTT 5 without an answer')
    }
    if (this.#state !== 'trying-5') {
      this.#state = 'trying-5'
      return false
    }
    this.#silentCloses = silent ? this.#silentCloses + 1 : 0
    if (this.#silentCloses < SILENT_CLOSES) return false
    this.#silentCloses = 0
    this.#state = 'guess-3'
    return true
  }

  #decide(what: string): true {
    this.#state = 'only-3'
    this.#log.warn(
      { version: '3.1.1' },
      `the foreign broker ${what}; continuing with MQTT 3.1.1 and a plain subscription: ` +
        'several intakes would each get every message, so run only one',
    )
    return true
  }
}
