import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import { transaction } from '#lib/runtime/sqlite.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { latestVersion, markSpan, openMarksFile, progressOf, saveProgress } from './marks-file.ts'
import { STEP_NS, type Step } from './series.ts'

export type Touched = Pick<Reading, 'device' | 'kind' | 'timeNs'>

export interface MarkerOptions {
  readonly path: string
  readonly clock: Pick<Clock, 'nowNs'>
  /** How far back series are computed with a new file, or a new definition. */
  readonly backfillNs: Readonly<Record<Step, bigint>>
  /** Whether the store may hold anything from before. */
  readonly hasPast: boolean
}

/** Raise it when a series is computed differently: all of them are made again. */
const DEFINITION = '1'

const HEAT_KINDS: ReadonlySet<string> = new Set(['heat_meter', 'energy_meter'])

/** How many readings back a new one may change what a register meant (lib/kpi/heat/heat-intervals.ts). */
const MAX_REMEMBERED = 8
/** How far around a late reading its neighbours are looked for (lib/queries/heat). */
const NEIGHBOUR_NS = 7n * 24n * STEP_NS.hour

/**
 * Notes which minutes and hours of the derived series no longer show what the store holds. Lives in
 * the ingest worker, beside the writer; costs two comparisons per reading and a few rows of SQLite
 * per save.
 */
export class Marker {
  readonly #options: MarkerOptions
  readonly #db: DatabaseSync
  readonly #meterTimes: Map<FullId, readonly bigint[]>
  readonly #dirtyMeters = new Set<FullId>()
  readonly #minutes = new Set<number>()
  readonly #hours = new Set<number>()
  readonly #lateHours = new Set<number>()
  #version: number
  /** The minute of the last reading: most follow it in the same one. */
  #fromNs = 0n
  #toNs = 0n
  #markedHour = -1
  #savedPosition = -1
  #firstHour: number

  /** Opens or creates `derived.db`. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
  constructor(options: MarkerOptions) {
    this.#options = options
    this.#db = openMarksFile(options.path)
    this.#meterTimes = loadMeterTimes(this.#db)
    this.#version = latestVersion(this.#db) + 1
    this.#begin()
    this.#firstHour = firstHourOf(this.#db)
  }

  /** Readings that were stored. */
  touched(readings: readonly Touched[]): void {
    for (const reading of readings) {
      const { timeNs, kind } = reading
      if (timeNs < this.#fromNs || timeNs >= this.#toNs) {
        this.#fromNs = timeNs - (timeNs % STEP_NS.minute)
        this.#toNs = this.#fromNs + STEP_NS.minute
        this.#minutes.add(numberOf(this.#fromNs, 'minute'))
      }
      if (HEAT_KINDS.has(kind)) this.#markHours(reading)
    }
  }

  /** A minute of the platform's own stages: they come from no reading. */
  touchedMinute(minute: number): void {
    this.#minutes.add(minute)
  }

  /**
   * Puts the marks of everything up to a journal position on disk: always before the snapshot of
   * that position.
   */
  save(position: number): void {
    const hour = this.#now('hour')
    // A meter that is silent has hours too.
    if (hour !== this.#markedHour) this.#hours.add(hour)
    const isEmpty = this.#minutes.size + this.#hours.size === 0
    if (isEmpty && position === this.#savedPosition) return
    this.#version += 1
    this.#write(position, hour)
    this.#firstHour = Math.min(this.#firstHour, ...this.#hours)
    this.#markedHour = hour
    this.#savedPosition = position
    this.#minutes.clear()
    this.#hours.clear()
    this.#dirtyMeters.clear()
    this.#lateHours.clear()
    // The next reading marks its minute again.
    this.#toNs = this.#fromNs
  }

  close(): void {
    this.#db.close()
  }

  #now(step: Step): number {
    return numberOf(this.#options.clock.nowNs(), step)
  }

  /** What was never computed, and the hours that went by while the platform did not run. */
  #begin(): void {
    const db = this.#db
    const { hasPast, backfillNs, clock } = this.#options
    const hour = this.#now('hour')
    const lastHour = Number(progressOf(db, 'hour') ?? Number.NaN)
    transaction(db, () => {
      if (progressOf(db, 'definition') !== DEFINITION && hasPast) {
        for (const step of ['minute', 'hour'] as const) {
          const from = numberOf(clock.nowNs() - backfillNs[step], step)
          markSpan(db, step, { from, to: this.#now(step) }, this.#version)
          if (step === 'minute') continue
          saveProgress(db, 'first_hour', String(Math.min(firstHourOf(db), from)))
        }
      }
      if (lastHour < hour) markSpan(db, 'hour', { from: lastHour, to: hour }, this.#version)
      saveProgress(db, 'definition', DEFINITION)
      saveProgress(db, 'hour', String(hour))
    })
  }

  /**
   * The hours whose heat a register may change. A reading in the order of time changes them back to
   * the readings it may be judged with; any other one as far as its neighbours are looked for.
   */
  #markHours({ device, timeNs }: Touched): void {
    const known = this.#meterTimes.get(device)
    const last = known?.at(-1)
    const isLate = last !== undefined && timeNs < last
    const hour = numberOf(timeNs, 'hour')
    // Late readings come in crowds, and the same hours are around all of them.
    if (isLate && this.#lateHours.has(hour)) return
    if (isLate) this.#lateHours.add(hour)
    const from = isLate ? timeNs - NEIGHBOUR_NS - STEP_NS.hour : (known?.[0] ?? timeNs)
    const to = isLate ? numberOf(timeNs + NEIGHBOUR_NS, 'hour') + 1 : hour
    const end = Math.min(to, Math.max(this.#now('hour'), hour))
    for (let at = numberOf(from, 'hour'); at <= end; at += 1) this.#hours.add(at)
    if (isLate || last === timeNs) return
    this.#meterTimes.set(device, [...(known ?? []), timeNs].slice(-MAX_REMEMBERED))
    this.#dirtyMeters.add(device)
  }

  #write(position: number, hour: number): void {
    const db = this.#db
    const version = this.#version
    const earliest = Math.min(...this.#hours)
    transaction(db, () => {
      const mark = db.prepare('INSERT OR REPLACE INTO marks (step, at, version) VALUES (?, ?, ?)')
      for (const at of this.#minutes) mark.run('minute', at, version)
      for (const at of this.#hours) mark.run('hour', at, version)
      const meter = db.prepare('INSERT OR REPLACE INTO meter_times (device, times) VALUES (?, ?)')
      for (const id of this.#dirtyMeters) {
        meter.run(id, (this.#meterTimes.get(id) ?? []).join(' '))
      }
      saveProgress(db, 'hour', String(hour))
      saveProgress(db, 'position', String(position))
      // From the first hour of all on there are points for every one: no reading means no coverage.
      if (earliest < this.#firstHour) {
        const to = Math.min(this.#firstHour, hour)
        markSpan(db, 'hour', { from: earliest, to }, version)
        saveProgress(db, 'first_hour', String(earliest))
      }
    })
  }
}

function numberOf(timeNs: bigint, step: Step): number {
  return Number(timeNs / STEP_NS[step])
}

function firstHourOf(db: DatabaseSync): number {
  return Number(progressOf(db, 'first_hour') ?? Infinity)
}

function loadMeterTimes(db: DatabaseSync): Map<FullId, readonly bigint[]> {
  const rows = db.prepare('SELECT device, times FROM meter_times').all()
  return new Map(rows.map((row) => [String(row['device']), timesIn(String(row['times']))]))
}

function timesIn(text: string): bigint[] {
  return text === '' ? [] : text.split(' ').map(BigInt)
}
