import type { Questions } from '#lib/telemetry/questions.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { closedError, createGate } from '../../gate.ts'
import { HOUR_NS, daysNs, floorTo } from '../../time-grid.ts'
import type { StoreOptions } from '../../options.ts'
import type { StoreQuestion } from '../../store.ts'
import { createInflux } from '../client/influx.ts'
import { QUESTIONS } from './questions.ts'
import type { View } from './view.ts'

/** Answers from a store that other processes write. After `close()` every question throws CLOSED. */
export interface StoreReader {
  ask<K extends StoreQuestion>(
    name: K,
    question: Questions[K][0],
    signal?: AbortSignal,
  ): Promise<Questions[K][1]>
  close(): Promise<void>
}

export type ReaderOptions = Pick<
  StoreOptions,
  'influx' | 'limits' | 'retention' | 'buckets' | 'clock' | 'log'
>

/** Hours this young are made of their minutes: their intakes may not have made hours of them yet. */
const YOUNG_NS = 2n * HOUR_NS

/**
 * Reads what intakes in other processes have put into InfluxDB. Readings are seen at once, figures
 * of a minute when it has been flushed. `since` needs the catalogue of an intake: ask that one.
 */
export function openInfluxReader(options: ReaderOptions): StoreReader {
  const { influx: settings, limits, retention, buckets, clock, log } = options
  if (!settings) {
    throw new PlatformError('CONFIG_INVALID', 'expected INFLUX_URL for PADBORG_STORE=influx:')
  }
  const influx = createInflux(settings, { log, clock })
  const gate = createGate(limits)
  let closing = false
  return {
    ask: (name, question, signal) =>
      gate.run(async (either) => {
        try {
          const asking = { influx, buckets, signal: either, view: viewAt(clock.nowNs()) }
          return await QUESTIONS[name](asking, question)
        } catch (error) {
          throw closing ? closedError() : error
        }
      }, signal),
    close() {
      closing = true
      gate.close()
      influx.close()
      return Promise.resolve()
    },
  }

  function viewAt(nowNs: bigint): View {
    const rawDays = Math.min(retention.fleetDays, retention.meteringDays)
    return {
      journal: null,
      rolled: Infinity,
      fresh: [],
      dirtyHours: [],
      hoursToNs: floorTo(nowNs - YOUNG_NS, HOUR_NS),
      // An hour later than the intakes: what they have just removed is not looked for.
      minuteFloorNs: floorTo(nowNs - daysNs(retention.minuteDays), HOUR_NS) + HOUR_NS,
      droppedNs: nowNs - daysNs(rawDays),
      parts: null,
    }
  }
}
