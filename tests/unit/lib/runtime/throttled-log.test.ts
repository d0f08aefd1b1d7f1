import { describe, expect, it } from 'vitest'
import { createThrottledLog } from '#lib/runtime/throttled-log.ts'
import { createTestLog, type LogLine } from '../../../support/log-lines.ts'

describe('a throttled log', () => {
  it('writes so many lines in ten seconds, and then how many it suppressed', () => {
    const lines: LogLine[] = []
    let monoNs = 1n
    const log = createThrottledLog(createTestLog(lines), {
      maxLines: 2,
      suppressedText: 'more lines',
      monoNs: () => monoNs,
    })
    for (let n = 0; n < 5; n += 1) log.warn({ n }, 'a line')
    expect(lines.map(({ fields }) => fields)).toEqual([{ n: 0 }, { n: 1 }])
    monoNs += 10_000_000_000n
    log.warn({ n: 5 }, 'a line')
    expect(lines.slice(2)).toEqual([
      { level: 'warn', fields: { suppressed: 3 }, text: 'more lines' },
      { level: 'warn', fields: { n: 5 }, text: 'a line' },
    ])
    monoNs += 10_000_000_000n
    log.warn({ n: 6 }, 'a line')
    expect(lines.at(-1)?.fields).toEqual({ n: 6 })
    expect(lines).toHaveLength(5)
  })
})
