import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

describe('the log', () => {
  const MODULE = new URL('../../../../lib/runtime/log.ts', import.meta.url).href

  it('writes one JSON line per entry to standard error and nothing to standard output', () => {
    const text = `
      const { createLog } = await import(${JSON.stringify(MODULE)})
      const log = createLog('info')
      log.debug('not this')
      log.info({ topic: 'a\\nb' }, 'first\\nline')
      log.error({ err: new Error('broken', { cause: new Error('disk') }) }, 'second')`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text])
    expect(stdout.toString()).toBe('')
    const lines = stderr.toString().trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    const [first, second] = lines.map((line): unknown => JSON.parse(line))
    expect(first).toMatchObject({ level: 30, topic: 'a\nb', msg: 'first\nline' })
    expect(first).toHaveProperty('time', expect.stringMatching(/^\d{4}-.*Z$/))
    expect(second).toMatchObject({ level: 50, msg: 'second' })
    expect(lines[1]).toContain('broken')
    expect(lines[1]).toContain('disk')
  })
})
