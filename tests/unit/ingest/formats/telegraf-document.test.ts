import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KINDS } from '#lib/telemetry/catalogue.ts'

const TEXT = readFileSync(join(import.meta.dirname, '../../../../docs/telegraf.md'), 'utf8')
const BLOCKS = [...TEXT.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, block = '']) => block)

/** Plants are configured after this page: a field that is renamed here would be lost there. */
describe('docs/telegraf.md', () => {
  const fields = new Set(Object.values(KINDS).flatMap(({ fields: own }) => Object.keys(own)))

  it('names only known fields', () => {
    const registers = BLOCKS.flatMap((block) => [
      ...block.matchAll(/\{ (?:address = \d+, )?name = "(\w+)"/g),
      ...block.matchAll(/"n": "(\w+)"/g),
    ]).map(([, name = '']) => name)
    expect(registers.length).toBeGreaterThan(12)
    expect(registers.filter((name) => !fields.has(name))).toEqual([])
  })

  it('names only known kinds and native topics', () => {
    const kinds = BLOCKS.flatMap((block) => [...block.matchAll(/kind = "(\w+)"/g)])
    for (const [, kind = ''] of kinds) expect(KINDS).toHaveProperty(kind)
    const topics = BLOCKS.flatMap((block) => [...block.matchAll(/^ {2}topic = '([^']+)'/gm)])
    expect(topics.map(([, topic = '']) => topic.replace(/\{\{.*?\}\}/, 'x'))).toEqual([
      'padborg/v1/acme/x/telemetry',
      'padborg/v1/acme/x/senml',
    ])
  })
})
