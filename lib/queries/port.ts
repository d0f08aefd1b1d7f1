import type { FullId } from '#lib/telemetry/ids.ts'
import type { IngestStatus } from '#lib/telemetry/readiness.ts'
import type { RejectionReason } from '#lib/telemetry/rejection.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { ReadingsFile, ReadingsFileScan, SinceRows, SinceScan } from '#lib/store/scans.ts'
import { isQueryName, type QueryName, type QueryOf, type ResultOf } from './catalogue.ts'

export interface ReplayRequest {
  readonly scope: Scope
  readonly ids: readonly string[] | null
  readonly reasons: readonly RejectionReason[] | null
  /** Journal positions, both ends included: read again as they stand in the journal. */
  readonly positions: { readonly from: number; readonly to: number } | null
}

export interface ReplayCounts {
  readonly recovered: number
  readonly again: number
  readonly duplicate: number
}

/**
 * The port between API and ingest. In one process it is a call into the ingest worker; with the
 * roles apart it is HTTP. Throws QUERY_TIMEOUT, QUERY_BUSY or STORE_UNAVAILABLE.
 */
export interface IngestPort {
  query<N extends QueryName>(name: N, query: QueryOf<N>, signal?: AbortSignal): Promise<ResultOf<N>>
  /** What was stored while a live viewer was away. */
  since(scan: SinceScan, signal?: AbortSignal): Promise<SinceRows>
  /** Devices with readings in the scan. */
  readingDevices(scan: ReadingsFileScan, signal?: AbortSignal): Promise<readonly FullId[]>
  /** The caller removes the file. */
  readingsFile(scan: ReadingsFileScan, signal?: AbortSignal): Promise<ReadingsFile>
  replay(request: ReplayRequest, signal?: AbortSignal): Promise<ReplayCounts>
  status(signal?: AbortSignal): Promise<IngestStatus>
}

/** Carries one call of the port to where it is answered. */
export type PortCall = (name: string, argument: unknown, signal?: AbortSignal) => Promise<unknown>

/** The port over a channel (thread or HTTP) whose other end is the same program. */
export function createPort(call: PortCall): IngestPort {
  // The other end answers each name with the type of its method.
  return {
    query: (name, query, signal) => call(name, query, signal) as Promise<ResultOf<typeof name>>,
    since: (argument, signal) => call('since', argument, signal) as Promise<SinceRows>,
    readingDevices: (argument, signal) =>
      call('readingDevices', argument, signal) as Promise<readonly FullId[]>,
    readingsFile: (argument, signal) =>
      call('readingsFile', argument, signal) as Promise<ReadingsFile>,
    replay: (argument, signal) => call('replay', argument, signal) as Promise<ReplayCounts>,
    status: (signal) => call('status', null, signal) as Promise<IngestStatus>,
  }
}

/** The other end of `createPort`: runs a call by its name. Throws for a name the port does not have. */
export async function callPort(
  port: IngestPort,
  name: string,
  argument: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  // Whoever calls is the same program: the argument is that of the name.
  const given = argument as never
  if (isQueryName(name)) return await port.query(name, given, signal)
  if (name === 'status') return await port.status(signal)
  if (name === 'since') return await port.since(given, signal)
  if (name === 'readingDevices') return await port.readingDevices(given, signal)
  if (name === 'replay') return await port.replay(given, signal)
  throw new Error(`expected a query or a call of the port, got ${name}`)
}
