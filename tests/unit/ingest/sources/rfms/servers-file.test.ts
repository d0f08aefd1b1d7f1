import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRfmsServers } from '../../../../../ingest/sources/rfms/servers-file.ts'
import { temporaryDir } from '../../../../support/platform.ts'

describe('the file of servers', () => {
  let dir: ReturnType<typeof temporaryDir>
  beforeEach(() => {
    dir = temporaryDir('rfms-file')
  })
  afterEach(() => dir.remove())

  const GOOD = {
    name: 'volvo',
    tenant: 'acme',
    url: 'https://api.example/rfms',
    user: 'u',
    password: 'hush-hush',
  }
  function read(content: unknown) {
    const path = join(dir.path, 'rfms.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return readRfmsServers(path)
  }
  function problem(content: unknown): string {
    try {
      read(content)
    } catch (error) {
      return String(error)
    }
    return ''
  }

  it('has defaults', () => {
    expect(read([GOOD])).toEqual([
      { ...GOOD, version: '4.0', everySeconds: 60, firstHours: 1, unregistered: 'reject' },
    ])
  })

  it('reports everything that is wrong, and no secret', () => {
    const said = problem([
      { ...GOOD, url: 'http://api.example/rfms', version: '9' },
      { ...GOOD, x: 1 },
    ])
    expect(said).toContain('0.url: expected https')
    expect(said).toContain('0.version')
    expect(said).toContain('1')
    expect(said).not.toContain('hush')
    expect(problem('[{"password":"hush-hush"')).not.toContain('hush')
    expect(problem([GOOD, GOOD])).toContain('a different name for each server')
  })

  it('takes plain HTTP on this machine only', () => {
    expect(read([{ ...GOOD, url: 'http://127.0.0.1:8080/rfms' }])).toHaveLength(1)
  })
})
