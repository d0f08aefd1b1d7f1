import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../../cases')

/**
 * Formats that others have defined: what is expected must not come from our own reading of them.
 */
describe.each(['vda5050', 'wmbusmeters'])('the cases of %s', (format) => {
  it.each(readdirSync(join(ROOT, format)))(
    '%s names its source and how it was computed',
    (name) => {
      const text = readFileSync(join(ROOT, format, name, 'expected.json'), 'utf8')
      expect(JSON.parse(text)).toMatchObject({
        source: expect.stringMatching(/.{6}/),
        computed: expect.stringMatching(/.{6}/),
      })
    },
  )
})
