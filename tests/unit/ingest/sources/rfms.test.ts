import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import { readPage } from '../../../../ingest/sources/rfms/page.ts'
import { exhaustedMs, retryAfterMs } from '../../../../ingest/sources/rfms/rate-limit.ts'
import { readRfmsServers } from '../../../../ingest/sources/rfms/servers-file.ts'
import { temporaryDir } from '../../../support/platform.ts'

const NOW_MS = Date.UTC(2026, 10, 25, 2)

describe('what a server says about its limit', () => {
  const after = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), NOW_MS)

  it('is seconds, or a date, or the rest of its period', () => {
    expect(after({ 'retry-after': '30' })).toBe(30_000)
    expect(after({ 'retry-after': 'Wed, 25 Nov 2026 02:00:10 GMT' })).toBe(10_000)
    expect(after({ 'x-rate-limit-reset': '7' })).toBe(7000)
    expect(after({ 'X-RateLimit-Reset': String(NOW_MS / 1000 + 12) })).toBe(12_000)
  })

  it('is nothing where it says nothing of use, and never more than an hour', () => {
    expect(after({})).toBeNull()
    expect(after({ 'retry-after': 'soon' })).toBeNull()
    expect(after({ 'retry-after': '99999999' })).toBe(3_600_000)
    expect(after({ 'retry-after': 'Wed, 25 Nov 2020 02:00:10 GMT' })).toBe(0)
  })

  it('counts only when it is used up', () => {
    const limit = (remaining: string) =>
      exhaustedMs(
        new Headers({ 'x-rate-limit-remaining': remaining, 'x-rate-limit-reset': '5' }),
        NOW_MS,
      )
    expect([limit('1'), limit('0')]).toEqual([0, 5000])
  })
})

describe('a response', () => {
  it('of version 2.1 has capitals, of DAF no zone', () => {
    const page = readPage({
      VehicleStatus: [{ VIN: 'yv2 ', ReceivedDateTime: '2026-11-25T01:00:00.123456' }],
      MoreDataAvailable: true,
      RequestServerDateTime: '2026-11-25T02:00:00Z',
    })
    expect(page).toMatchObject({
      isMore: true,
      nextQuery: null,
      serverMs: NOW_MS,
      statuses: [{ vin: 'YV2', receivedMs: NOW_MS - 3_600_000 + 123 }],
    })
  })

  it('names its next part by the query of a link alone', () => {
    const link = 'https://elsewhere.example/steal?starttime=x&lastVin=y'
    const page = readPage({
      vehicleStatus: [],
      moreDataAvailable: true,
      moreDataAvailableLink: link,
    })
    expect(page?.nextQuery).toBe('starttime=x&lastVin=y')
  })
})

describe('a text', () => {
  it('may nest as deep as a response does, and brackets in strings do not count', () => {
    expect(nestsTooDeep('['.repeat(501))).toBe(true)
    expect(nestsTooDeep('{"a":'.repeat(501))).toBe(true)
    expect(nestsTooDeep(`${'['.repeat(500)}${']'.repeat(500)}`.repeat(5))).toBe(false)
    expect(nestsTooDeep(JSON.stringify(['['.repeat(500), '\\"{'.repeat(500)]))).toBe(false)
    expect(nestsTooDeep(`"]]]]]${']'.repeat(200)}",${'['.repeat(501)}`)).toBe(true)
  })
})

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

  it('fills in what is not said', () => {
    expect(read([GOOD])).toEqual([
      { ...GOOD, version: '4.0', everySeconds: 60, firstHours: 1, unregistered: 'reject' },
    ])
  })

  it('names everything that is wrong, and no secret', () => {
    const said = problem([
      { ...GOOD, url: 'http://api.example/rfms', version: '9' },
      { ...GOOD, x: 1 },
    ])
    expect(said).toContain('0.url: expected https')
    expect(said).toContain('0.version')
    expect(said).toContain('1')
    expect(said).not.toContain('hush')
    expect(problem('[{"password":"hush-hush"')).not.toContain('hush')
    expect(problem([GOOD, GOOD])).toContain('a name of its own')
  })

  it('takes plain HTTP on this machine only', () => {
    expect(read([{ ...GOOD, url: 'http://127.0.0.1:8080/rfms' }])).toHaveLength(1)
  })
})
