import type { Readable } from 'node:stream'

/** Backups for the API, by the part that holds the data. */
export interface BackupPort {
  /**
   * The bytes of a backup as of now; destroying the stream aborts it. Throws BACKUP_BUSY, BACKUP_FAILED
   * or STORE_UNAVAILABLE; a later failure fails the stream.
   */
  begin(): Promise<Readable>
}
