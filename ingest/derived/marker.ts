import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import { transaction } from '#lib/runtime/sqlite.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { StageClock } from '../state/stage-clock.ts'
import { markSpan, openMarksFile, progressOf, saveProgress } from './marks-file.ts'
import { STEP_NS, type Step } from './series.ts'

/**
 * Notes which minutes and hours of the derived series no longer show what the store holds. Lives in
 * the ingest worker, beside the writer; costs two comparisons per reading and a few rows of SQLite
 * per save.
 */
export interface Marker {
  /** Readings that were stored. */
  touched(readings: readonly Touched[]): void
  /** A minute of the platform's own stages: they come from no reading. */
  touchedMinute(minute: number): void
  /**
   * Puts the marks of everything up to a journal position on disk: always before the snapshot of
   * that position.
   */
  save(position: number): void
  close(): void
}

export type Touched = Pick<Reading, 'device' | 'kind' | 'timeNs'>

export interface MarkerOptions {
  readonly path: string
  readonly clock: Pick<Clock, 'nowNs'>
  /** How far back series are made that nobody has made yet: with a new file, or a new definition. */
  readonly backfillNs: Readonly<Record<Step, bigint>>
  /** Whether the store may hold anything from before. */
  readonly hasPast: boolean
}

/** Raise it when a series is computed otherwise than before: all of them are made again. */
const DEFINITION = '1'

const HEAT_KINDS: ReadonlySet<string> = new Set(['heat_meter', 'energy_meter'])

/** How many readings back a new one may change what a register meant (lib/kpi/heat/heat-intervals.ts). */
const REMEMBERED = 8
/** How far around a late reading its neighbours are looked for (ingest/heat/heat-answers.ts). */
const NEIGHBOUR_NS = 7n * 24n * STEP_NS.hour

/** Opens or creates `derived.db`. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
export function openMarker(options: MarkerOptions): Marker {
  const { clock } = options
  const db = openMarksFile(options.path)
  const meterTimes = loadMeterTimes(db)
  const dirtyMeters = new Set<FullId>()
  let version = lastVersion(db)
  let minutes = new Set<number>()
  let hours = new Set<number>()
  const lateHours = new Set<number>()
  // The minute of the last reading: most follow it in the same one.
  let fromNs = 0n
  let toNs = 0n
  let markedHour = -1
  let savedPosition = -1
  let firstHour = Number(progressOf(db, 'first_hour') ?? Infinity)
  begin()
  firstHour = Number(progressOf(db, 'first_hour') ?? Infinity)

  return {
    touched(readings) {
      for (const reading of readings) {
        const { timeNs, kind } = reading
        if (timeNs < fromNs || timeNs >= toNs) {
          fromNs = timeNs - (timeNs % STEP_NS.minute)
          toNs = fromNs + STEP_NS.minute
          minutes.add(numberOf(fromNs, 'minute'))
        }
        if (HEAT_KINDS.has(kind)) markHours(reading)
      }
    },
    touchedMinute: (minute) => void minutes.add(minute),
    save,
    close: () => db.close(),
  }

  function now(step: Step): number {
    return numberOf(clock.nowNs(), step)
  }

  /** What nobody has made yet, and the hours that went by while the platform did not run. */
  function begin(): void {
    const lastHour = Number(progressOf(db, 'hour') ?? Number.NaN)
    transaction(db, () => {
      version += 1
      if (progressOf(db, 'definition') !== DEFINITION && options.hasPast) {
        for (const step of ['minute', 'hour'] as const) {
          const from = numberOf(clock.nowNs() - options.backfillNs[step], step)
          markSpan(db, step, { from, to: now(step) }, version)
          if (step === 'hour') saveProgress(db, 'first_hour', String(Math.min(firstHour, from)))
        }
      }
      if (lastHour < now('hour')) markSpan(db, 'hour', { from: lastHour, to: now('hour') }, version)
      saveProgress(db, 'definition', DEFINITION)
      saveProgress(db, 'hour', String(now('hour')))
    })
  }

  /**
   * The hours whose heat a register may change. A reading in the order of time changes them back to
   * the readings it may be judged with; any other one as far as its neighbours are looked for.
   */
  function markHours({ device, timeNs }: Touched): void {
    const known = meterTimes.get(device)
    const last = known?.at(-1)
    const isLate = last !== undefined && timeNs < last
    const hour = numberOf(timeNs, 'hour')
    // Late readings come in crowds, and the same hours are around all of them.
    if (isLate && lateHours.has(hour)) return
    if (isLate) lateHours.add(hour)
    const from = isLate ? timeNs - NEIGHBOUR_NS - STEP_NS.hour : (known?.[0] ?? timeNs)
    const to = isLate ? numberOf(timeNs + NEIGHBOUR_NS, 'hour') + 1 : hour
    const end = Math.min(to, Math.max(now('hour'), hour))
    for (let at = numberOf(from, 'hour'); at <= end; at += 1) hours.add(at)
    if (isLate || last === timeNs) return
    meterTimes.set(device, [...(known ?? []), timeNs].slice(-REMEMBERED))
    dirtyMeters.add(device)
  }

  function save(position: number): void {
    const hour = now('hour')
    // A meter that is silent has hours too.
    if (hour !== markedHour) hours.add(hour)
    if (minutes.size + hours.size === 0 && position === savedPosition) return
    version += 1
    const earliest = Math.min(...hours)
    transaction(db, () => {
      const mark = db.prepare('INSERT OR REPLACE INTO marks (step, at, version) VALUES (?, ?, ?)')
      for (const at of minutes) mark.run('minute', at, version)
      for (const at of hours) mark.run('hour', at, version)
      const meter = db.prepare('INSERT OR REPLACE INTO meter_times (device, times) VALUES (?, ?)')
      for (const id of dirtyMeters) meter.run(id, (meterTimes.get(id) ?? []).join(' '))
      saveProgress(db, 'hour', String(hour))
      saveProgress(db, 'position', String(position))
      // From the first hour of all on there are points for every one: no reading means no coverage.
      if (earliest < firstHour) {
        const to = Math.min(firstHour, hour)
        markSpan(db, 'hour', { from: earliest, to }, version)
        saveProgress(db, 'first_hour', String(earliest))
      }
    })
    firstHour = Math.min(firstHour, earliest)
    markedHour = hour
    savedPosition = position
    minutes = new Set()
    hours = new Set()
    dirtyMeters.clear()
    lateHours.clear()
    // The next reading marks its minute anew.
    toNs = fromNs
  }
}

/** The stages of the platform, whose minutes are marked as they are counted. */
export function markStages(stages: StageClock, marker: Pick<Marker, 'touchedMinute'>): StageClock {
  return {
    ...stages,
    at(stage, atNs) {
      marker.touchedMinute(numberOf(atNs, 'minute'))
      return stages.at(stage, atNs)
    },
    addCount(count) {
      marker.touchedMinute(count.minute)
      stages.addCount(count)
    },
  }
}

function numberOf(timeNs: bigint, step: Step): number {
  return Number(timeNs / STEP_NS[step])
}

function lastVersion(db: DatabaseSync): number {
  return Number(db.prepare('SELECT coalesce(max(version), 0) AS last FROM marks').get()?.['last'])
}

function loadMeterTimes(db: DatabaseSync): Map<FullId, readonly bigint[]> {
  const rows = db.prepare('SELECT device, times FROM meter_times').all()
  return new Map(rows.map((row) => [String(row['device']), timesIn(String(row['times']))]))
}

function timesIn(text: string): bigint[] {
  return text === '' ? [] : text.split(' ').map(BigInt)
}
