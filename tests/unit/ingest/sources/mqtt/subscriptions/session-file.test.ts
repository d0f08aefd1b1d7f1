import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSessionFile } from '../../../../../../ingest/sources/mqtt/subscriptions/session-file.ts'
import { temporaryDir } from '../../../../../support/platform.ts'

describe('the file of the session', () => {
  it('keeps client id and filters, and is not overwritten when it is damaged', () => {
    const dir = temporaryDir('session-file')
    const path = join(dir.path, 'foreign-broker.json')
    const made = openSessionFile(path)
    expect(made.filters).toEqual([])
    made.save(['a/#'])
    const again = openSessionFile(path)
    expect(again).toMatchObject({ clientId: made.clientId, filters: ['a/#'] })
    writeFileSync(path, '{"clientId":7}')
    expect(() => openSessionFile(path)).toThrow(
      /expected the client id and filters.*remove the file/s,
    )
    expect(readFileSync(path, 'utf8')).toBe('{"clientId":7}')
    mkdirSync(join(dir.path, 'x'))
    expect(() => openSessionFile(join(dir.path, 'x'))).toThrow(/x: expected the client id/)
    dir.remove()
  })
})
