import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { StoreWriter } from '#lib/store/store.ts'
import type { Marker } from '../derived/marker.ts'
import type { IntakeState } from '../state/intake-state.ts'
import { saveSnapshot } from '../state/snapshot.ts'
import type { StageClock } from '../state/stage-clock.ts'
import type { Writer } from './writer.ts'

interface SnapshotDeps {
  /** UUID of the journal. */
  readonly journal: string
  readonly db: DatabaseSync
  readonly state: IntakeState
  readonly stages: StageClock
  readonly store: Pick<StoreWriter, 'positions'>
  readonly marker: Marker | null
  readonly writer: Pick<Writer, 'cursor'>
  readonly clock: Clock
  readonly log: Log
}

/** Saves the state of the intake with the position it belongs to, in `ingest.db`. */
export class Snapshots {
  readonly #deps: SnapshotDeps
  #position: number
  #savedAtNs: bigint
  #isFailing = false

  constructor(deps: SnapshotDeps, savedPosition: number) {
    this.#deps = deps
    this.#position = savedPosition
    this.#savedAtNs = deps.clock.monoNs()
  }

  /** Of the last snapshot. */
  get position(): number {
    return this.#position
  }

  /** Time since the last snapshot. */
  get ageMs(): number {
    return Number(this.#deps.clock.monoNs() - this.#savedAtNs) / 1e6
  }

  /** Nothing is done while a batch is only half stored. */
  save(): void {
    const { journal, db, state, stages, store, marker, writer, clock } = this.#deps
    if (!state.isCommitted) return
    const { position } = writer.cursor
    // First: a snapshot must not be on disk before the marks of its rows.
    marker?.save(position)
    this.#savedAtNs = clock.monoNs()
    if (position === this.#position && state.dirty.size === 0) return
    const counts = stages.take()
    try {
      saveSnapshot(db, state, { journal, position, parts: store.positions(), stages: counts })
    } catch (error) {
      for (const count of counts) stages.addCount(count)
      throw error
    }
    this.#position = position
  }

  /** On a full disk the last snapshot stays the one to start from: the journal has the rest. */
  trySave(): void {
    const { log } = this.#deps
    try {
      this.save()
      if (this.#isFailing) log.info('the state of the intake is saved again')
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) {
        log.error({ err: error }, 'the state of the intake cannot be saved; it is tried again')
      }
      this.#isFailing = true
    }
  }
}
