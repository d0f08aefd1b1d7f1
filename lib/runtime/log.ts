import { pino, type Logger } from 'pino'

/** A line with fields, at a level. */
export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'>

/** Logs go to standard error as JSON lines; standard output carries the ready line alone. */
export function createLog(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )
}
