import type { Log } from '#lib/runtime/log.ts'

export interface LogLine {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly text: string
}

/** A log whose lines are kept. */
export function createTestLog(lines: LogLine[]): Log {
  const writer = (level: string) => (fields: object | string, text?: string) => {
    if (typeof fields === 'string') lines.push({ level, fields: {}, text: fields })
    else lines.push({ level, fields: { ...fields }, text: text ?? '' })
  }
  const levels = ['trace', 'debug', 'info', 'warn', 'error']
  // Of a log only these five are used.
  return Object.fromEntries(levels.map((level) => [level, writer(level)])) as unknown as Log
}
