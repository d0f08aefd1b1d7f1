/** Every operational error has a code from this table (docs/errors.md lists them; a test compares). */
export const ERRORS = {
  CONFIG_INVALID: 'A setting is missing, unknown or has a value that cannot be used.',
  DATA_DIR_UNUSABLE: 'The data directory cannot be created, read or written.',
  DATA_DIR_LOCKED: 'Another platform runs on this data directory.',
  DATA_DIR_FOREIGN: 'The data directory holds files that do not belong together.',
  LISTEN_FAILED: 'A listener could not be opened.',
  TLS_INVALID: 'The TLS certificate or key cannot be used.',
  JOURNAL_UNAVAILABLE: 'The journal cannot be written at the moment.',
  JOURNAL_CORRUPT: 'A journal segment holds bytes that do not match their checksum.',
  STORE_UNAVAILABLE: 'The store cannot be read or written at the moment.',
  STORE_AHEAD: 'The store holds positions that this journal has never assigned.',
  QUERY_TIMEOUT: 'A query took longer than the limit and was cancelled.',
  QUERY_BUSY: 'More queries wait than the limit allows.',
  REGISTRY_CONFLICT: 'An entry with this id exists already.',
  REGISTRY_INVALID: 'An entry cannot be stored as given.',
  REGISTRY_MISSING: 'There is no such entry.',
  EXPORT_TOO_LARGE: 'A file of readings would hold more of them than the limit allows.',
  BACKUP_BUSY: 'A backup is already running; there is one at a time.',
  BACKUP_FAILED: 'A backup or restore could not be completed.',
  BACKUP_INVALID: 'The file is not a backup, is damaged, or is of a newer program.',
  LOCAL_UNREACHABLE: 'The platform on the data directory does not answer.',
  REPLAY_FAILED: 'A replay could not be requested, or was refused.',
  REPLAY_BUSY: 'More replays of the same tenants wait than the limit allows.',
  DATA_DIR_NOT_EMPTY: 'A backup can only be restored into an empty directory.',
  INGEST_UNREACHABLE: 'An intake in another process does not answer.',
  INGEST_REFUSED: 'An intake does not accept the secret of this process.',
  CLOSED: 'A part of the platform was used after it was closed.',
} as const

export type ErrorCode = keyof typeof ERRORS

/**
 * A failure of disk, network, configuration or state. `message` says what was expected, what came and
 * what to do. Bad input from devices and people is a value, never this.
 */
export class PlatformError extends Error {
  override readonly name = 'PlatformError'
  readonly code: ErrorCode
  /** Path of the faulty field for problem answers; '' where there is none. */
  readonly path: string

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; path?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.path = options.path ?? ''
  }
}

export function isPlatformError(error: unknown, code?: ErrorCode): error is PlatformError {
  return error instanceof PlatformError && (code === undefined || error.code === code)
}

/** The text of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a system error (`ENOSPC`, `EADDRINUSE`), or ''. */
export function systemCodeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
