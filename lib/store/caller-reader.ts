import type { CallerTag } from '#lib/telemetry/caller-tag.ts'
import type { ScopedScan } from './scans.ts'
import type { ExactLatency, StoreReader } from './store.ts'

/** A reader whose scans all run for one caller. */
export function readerFor(caller: CallerTag | undefined, reader: StoreReader): StoreReader {
  const of = taggedFor(caller)
  return {
    readings: (scan, signal) => reader.readings(of(scan), signal),
    since: (scan, signal) => reader.since(of(scan), signal),
    aggregates: (scan, signal) => reader.aggregates(of(scan), signal),
    counts: (scan, signal) => reader.counts(of(scan), signal),
    latencyBuckets: (scan, signal) => reader.latencyBuckets(of(scan), signal),
    sequenceRuns: (scan, signal) => reader.sequenceRuns(of(scan), signal),
    registers: (scan, signal) => reader.registers(of(scan), signal),
    delays: (scan, signal) => reader.delays(of(scan), signal),
  }
}

export function exactFor(caller: CallerTag | undefined, exact: ExactLatency): ExactLatency {
  const of = taggedFor(caller)
  return { exactLatency: (scan, signal) => exact.exactLatency(of(scan), signal) }
}

function taggedFor(caller: CallerTag | undefined) {
  return <S extends ScopedScan>(scan: S): S => ({ ...scan, caller })
}
