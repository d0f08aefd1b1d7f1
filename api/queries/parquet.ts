import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { ACCESS, type Caller } from '#lib/access/policy.ts'
import { callerTagOf } from '#lib/telemetry/caller-tag.ts'
import type { ReadingsFileRequest } from '#lib/queries/query.ts'
import type { FileName, ReadingsFileScan } from '#lib/store/scans.ts'
import { StreamResponse } from '../replies/response.ts'
import type { Api } from '../api.ts'
import { tenantNameOf, type Names } from '../auth/caller-names.ts'
import { requireInScope } from '../auth/scope.ts'

interface FileCall {
  readonly caller: Caller
  readonly names: Names
  readonly signal: AbortSignal
}

const PARQUET = 'application/vnd.apache.parquet'

/** All readings of a span in one Parquet file: no pages. */
export async function parquetResponse(
  { port, options, log, pseudonyms }: Api,
  { caller, names, signal }: FileCall,
  { scope, kind, fields, rats, fromNs, toNs }: ReadingsFileRequest,
): Promise<StreamResponse> {
  const maxRows = options.exportMaxRows
  const scan: ReadingsFileScan = {
    scope,
    caller: callerTagOf(caller.key),
    kind,
    fields,
    rats,
    fromNs,
    toNs,
    maxRows,
    names: null,
    channelSalt: null,
    path: '',
  }
  let shown: FileName[] | null = null
  if (ACCESS[caller.key.role].pseudonymised) {
    const devices = await port.readingDevices(scan, signal)
    shown = devices.map((device) => {
      requireInScope(scope, device)
      return { device, shown: names.device(device), tenant: tenantNameOf(names, device) }
    })
  }
  const { path, rows, bytes } = await port.readingsFile(
    { ...scan, names: shown, channelSalt: shown && pseudonyms.channelSalt },
    signal,
  )
  const stream = createReadStream(path)
  // Sent, failed or cancelled: the file is not needed any more.
  stream.once('close', () => {
    rm(path, { force: true }).catch((error: unknown) => {
      log.warn({ err: error, path }, 'a file of readings could not be removed')
    })
  })
  return new StreamResponse(stream, PARQUET, {
    'content-length': String(bytes),
    'content-disposition': `attachment; filename="${kind}.parquet"`,
    'x-rows': String(rows),
  })
}
