import type { ReadingsFiles, StoreReader } from '../../store.ts'
import type { ScopedScan } from '../../scans.ts'
import { calendarPage } from '../../calendar-page.ts'
import { scanAggregates } from './aggregates.ts'
import { scanCounts } from './counts.ts'
import { scanDelays } from './delays.ts'
import { scanLatencyBuckets } from './latency-buckets.ts'
import { scanReadings } from './readings.ts'
import { scanReadingDevices, scanReadingsFile } from './readings-file.ts'
import { scanRegisters } from './registers.ts'
import { scanSince } from './since.ts'
import { scanSequenceRuns } from './sequence-runs.ts'
import type { ScanContext } from './view.ts'

/** Runs one scan: admits it in the turn of its caller, gives it a view of the store and a deadline. */
export type RunScan = <S extends ScopedScan, R>(
  scanner: (context: ScanContext, scan: S) => Promise<R>,
  scan: S,
  signal: AbortSignal | undefined,
) => Promise<R>

export function createReader(run: RunScan): StoreReader {
  return {
    readings: (scan, signal) => run(scanReadings, scan, signal),
    since: (scan, signal) => run(scanSince, scan, signal),
    aggregates: (scan, signal) => calendarPage(scan, (page) => run(scanAggregates, page, signal)),
    counts: (scan, signal) => run(scanCounts, scan, signal),
    latencyBuckets: (scan, signal) => run(scanLatencyBuckets, scan, signal),
    sequenceRuns: (scan, signal) => run(scanSequenceRuns, scan, signal),
    registers: (scan, signal) => run(scanRegisters, scan, signal),
    delays: (scan, signal) => run(scanDelays, scan, signal),
  }
}

export function createFiles(run: RunScan): ReadingsFiles {
  return {
    readingsFile: (scan, signal) => run(scanReadingsFile, scan, signal),
    readingDevices: (scan, signal) => run(scanReadingDevices, scan, signal),
  }
}
