import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'

/** The one DuckDB instance of a store directory; the partitions are attached to it. */
export interface Engine {
  connect(): Promise<DuckDBConnection>
  /** Stops what runs at this moment on any connection. */
  interrupt(): void
  /** No statement may run any more. Gives every file free. */
  close(): void
}

/**
 * Threads are few because queries share two cores with the broker; the memory bound is for sorts and
 * joins, which go on in `tmp/` beyond it. Commits and closing never checkpoint: `maintain` does.
 */
const SETTINGS = {
  threads: '1',
  memory_limit: '512MB',
  checkpoint_threshold: '1TB',
  preserve_insertion_order: 'false',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
} as const

export async function openEngine(dir: string): Promise<Engine> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...SETTINGS,
    temp_directory: join(dir, 'tmp'),
  })
  const connections: DuckDBConnection[] = []
  const connect = async () => {
    const connection = await instance.connect()
    connections.push(connection)
    return connection
  }
  const first = await connect()
  await first.run('PRAGMA disable_checkpoint_on_shutdown')
  return {
    connect,
    interrupt() {
      for (const connection of connections) connection.interrupt()
    },
    close() {
      for (const connection of connections) connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Whether the instance is lost: nothing but closing and opening helps. */
export function isFatal(error: unknown): boolean {
  return /FATAL|has been invalidated/i.test(messageOf(error))
}

/** Disk full, no rights, too many files, no memory: the file itself may be perfectly well. */
export function isPassing(error: unknown): boolean {
  return /No space left|ENOSPC|Permission denied|Too many open files|Out of Memory|Could not (set lock|write)|Disk quota|Read-only file/i.test(
    messageOf(error),
  )
}

/** The store cannot be used at the moment; it is opened again at the next call. */
export function unavailable(doing: string, error: unknown): PlatformError {
  if (error instanceof PlatformError) return error
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `expected to ${doing}, got "${firstLine(messageOf(error))}"; make room on the disk and check ` +
      `the permissions of the store folder, it is tried again by itself`,
    { cause: error },
  )
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
