import type { Log } from './log.ts'

/** Warnings that devices can cause: a flood of them does not flood the log. */
export interface ThrottledLog {
  warn(fields: Readonly<Record<string, unknown>>, text: string): void
}

export interface ThrottledLogOptions {
  /** Lines in ten seconds; further ones are counted and reported at the beginning of the next. */
  readonly maxLines: number
  /** What the report says beside `suppressed`. */
  readonly suppressedText: string
  readonly monoNs: () => bigint
}

const WINDOW_NS = 10_000_000_000n

export function createThrottledLog(
  log: Pick<Log, 'warn'>,
  { maxLines, suppressedText, monoNs }: ThrottledLogOptions,
): ThrottledLog {
  let windowEndNs = 0n
  let lines = 0

  return {
    warn(fields, text) {
      const nowNs = monoNs()
      if (nowNs >= windowEndNs) {
        if (lines > maxLines) log.warn({ suppressed: lines - maxLines }, suppressedText)
        windowEndNs = nowNs + WINDOW_NS
        lines = 0
      }
      lines += 1
      if (lines <= maxLines) log.warn(fields, text)
    },
  }
}
