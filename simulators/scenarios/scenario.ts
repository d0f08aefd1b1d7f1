import type { Actor } from '../actors/actor.ts'
import type { NewDevice } from '../run/registrar.ts'

/** One device of a load run: how it is registered and what it sends. */
export interface Member {
  readonly device: NewDevice
  readonly actor: Actor
  /** How far its clock is ahead. */
  readonly clockAheadMs: number
}

export interface CastContext {
  readonly tenant: string
  /** Part of every id of the run, which distinguishes simulated devices from real ones. */
  readonly mark: string
  readonly seed: number
  /** Unix time, ms. */
  readonly startMs: number
}

/** A kind of fleet for load runs. Each actor sends at least one message whenever it acts. */
export interface Scenario {
  readonly name: string
  /** One sentence. */
  readonly about: string
  member(at: number, context: CastContext): Member
}

export function shortId({ mark }: CastContext, kind: string, at: number): string {
  return `${mark}-${kind}-${String(at + 1).padStart(4, '0')}`
}
