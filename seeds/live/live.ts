import { nsToMs, type Clock } from '#lib/runtime/clock.ts'
import { randomOf } from '../../simulators/models/chance.ts'
import type { Target } from '../../simulators/options.ts'
import { createApi } from '../../simulators/run/api.ts'
import { inParallel, signInOf } from '../../simulators/run/registrar.ts'
import { openSession } from '../../simulators/run/session.ts'
import { lastKnown } from '../last-values.ts'
import { castOf } from './cast.ts'

export interface Live {
  readonly devices: number
  /** Messages acknowledged so far. */
  acknowledged(): number
  /** Disconnects every device cleanly and revokes its credential. */
  stop(): Promise<void>
}

const AT_ONCE = 10

/** Lets the whole testbed act in real time, one connection per device. */
export async function startLive(
  { target, seed }: { readonly target: Target; readonly seed: number },
  clock: Clock,
): Promise<Live> {
  const api = createApi({ url: target.apiUrl, key: target.key })
  const known = await lastKnown(api)
  const startMs = Math.floor(nsToMs(clock.nowNs()))
  const cast = castOf({ seed, startMs, known: (device) => known.get(device) ?? null })
  let acknowledged = 0
  const sessions = await inParallel(cast, AT_ONCE, async (member) => {
    const { device } = member.actor
    const signIn = await signInOf(api, device)
    const session = await openSession(
      { ...member, signIn },
      {
        url: target.mqttUrl,
        clock,
        random: randomOf(seed, `${device} session`),
        acknowledged: () => (acknowledged += 1),
      },
    )
    return { session, signIn }
  })
  return {
    devices: cast.length,
    acknowledged: () => acknowledged,
    async stop() {
      await inParallel(sessions, AT_ONCE, async ({ session, signIn }) => {
        await session.stop()
        await signIn.revoke()
      })
    },
  }
}
