import type { Log } from '#lib/runtime/log.ts'
import type { Ending } from './connection.ts'
import type { ProtocolVersion } from './packets.ts'

/**
 * Which version of MQTT to speak: 5, and 3.1.1 with a broker that will not have 5. Going over to 3.1.1
 * by mistake would end the sharing between intakes, so that silence alone is no proof: brokers of
 * old close without a word, but so does a load balancer while its broker is away.
 */
export interface VersionChoice {
  readonly version: ProtocolVersion
  /** The broker has let us in; false: leave again, MQTT 5 is to be tried once more. */
  welcomed(): boolean
  /** A connection ended; true when the next attempt is worth to be made at once. */
  ended(ending: Ending): boolean
}

/** A broker that restarts closes without a word once or twice. */
const SILENT_CLOSES = 3

/** `guess`: 3.1.1 on suspicion. `proof`: 3.1.1 works, and 5 is tried in the same minute. */
type State = 'open' | 'guess' | 'proof' | 'settled'

export function createVersionChoice(log: Log): VersionChoice {
  let state: State = 'open'
  let silentCloses = 0

  return {
    get version() {
      return state === 'guess' || state === 'settled' ? 4 : 5
    },
    welcomed() {
      silentCloses = 0
      if (state === 'guess') {
        state = 'proof'
        return false
      }
      if (state === 'proof') state = 'open'
      return true
    },
    ended({ sort, silent }) {
      if (state === 'settled') return false
      if (sort === 'version' && state !== 'guess') return settle('refuses MQTT 5')
      if (state === 'proof' && silent) {
        return settle('closes connections of MQTT 5 without an answer')
      }
      if (state !== 'open') {
        state = 'open'
        return false
      }
      silentCloses = silent ? silentCloses + 1 : 0
      if (silentCloses < SILENT_CLOSES) return false
      silentCloses = 0
      state = 'guess'
      return true
    },
  }

  function settle(what: string): true {
    state = 'settled'
    log.warn(
      { version: '3.1.1' },
      `the foreign broker ${what}; going on with MQTT 3.1.1 and a plain subscription: ` +
        'several intakes would each get every message, so run only one',
    )
    return true
  }
}
