import type { Outgoing } from '../messages/outgoing.ts'
import { type Act, type Actor, WIRED } from './actor.ts'

/** The telegram of a meter at a time, so long after the previous one. */
export type Telegram = (atMs: number, dtMs: number) => Outgoing

/** A meter behind a wired gateway. */
export function createMeterActor(device: string, everyMs: number, telegram: Telegram): Actor {
  return {
    device,
    everyMs,
    act: (atMs, dtMs): Act => ({ outgoing: [telegram(atMs, dtMs)], delay: WIRED }),
  }
}
