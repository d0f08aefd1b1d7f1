import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { BackupPort } from '#lib/runtime/backup/backup-port.ts'
import { PATHS } from '#lib/runtime/network/internal-http.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { randomId } from '#lib/runtime/random.ts'
import { createPort } from '#lib/queries/port.ts'
import type { ReadingsFileScan } from '#lib/store/scans.ts'
import type { IntakeSource } from './intakes.ts'
import { IntakeClient } from './intake-client.ts'
import { RemoteFeed } from './remote-feed.ts'

export interface RemoteIntakeOptions {
  readonly url: string
  readonly secret: string
  /** Folder for files that are being sent to the caller; it exists. */
  readonly exportDir: string
}

/** An intake in another process, reached at PADBORG_INGEST_URL (docs/roles.md). */
export interface RemoteIntake extends IntakeSource {
  readonly name: string
  readonly backups: BackupPort
  /** Resolves when the first attempt to reach it has ended, well or not. */
  readonly tried: Promise<void>
  /** Running calls throw CLOSED. */
  close(): void
}

export function connectIntake(
  { url, secret, exportDir }: RemoteIntakeOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): RemoteIntake {
  const client = new IntakeClient({ url, secret })
  const feed = new RemoteFeed(client, { url, clock, log })

  const port = createPort(async (name, argument, given) => {
    const signal = await ready(given)
    if (name !== 'readingsFile') return await client.post(PATHS.query + name, argument, signal)
    const path = join(exportDir, `${randomId()}.parquet`)
    // `readingsFile` has this argument.
    return await client.fetchFile(argument as ReadingsFileScan, path, signal)
  })

  return {
    name: url,
    port,
    live: feed,
    problem: () => feed.problem,
    get isLost() {
      return feed.isLost
    },
    backups: {
      async begin() {
        const bytes = await client.openStream(PATHS.backup, await ready())
        return Readable.fromWeb(bytes)
      },
    },
    tried: feed.tried,
    close: () => feed.close(),
  }

  /** Throws at once while the intake does not reply; the signal ends with the connection. */
  async function ready(given?: AbortSignal): Promise<AbortSignal> {
    await feed.tried
    if (feed.problem) throw feed.problem
    return given ? AbortSignal.any([given, feed.connected]) : feed.connected
  }
}
