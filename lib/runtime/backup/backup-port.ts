import type { Readable } from 'node:stream'

/** What the API asks of the part that holds the data. */
export interface BackupPort {
  /**
   * The bytes of a backup as of now; destroying the stream ends it. Throws BACKUP_BUSY, BACKUP_FAILED
   * or STORE_UNAVAILABLE; what fails later fails the stream.
   */
  begin(): Promise<Readable>
}
