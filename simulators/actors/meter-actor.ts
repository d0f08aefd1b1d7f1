import type { Outgoing } from '../messages/outgoing.ts'
import { type Act, type Actor, WIRED } from './actor.ts'

/** What a meter says at a time, after the time that has passed since it spoke last. */
export type Telegram = (atMs: number, dtMs: number) => Outgoing

/** A meter behind a gateway with a wire. */
export function createMeterActor(device: string, everyMs: number, telegram: Telegram): Actor {
  return {
    device,
    everyMs,
    act: (atMs, dtMs): Act => ({ outgoing: [telegram(atMs, dtMs)], delay: WIRED }),
  }
}
