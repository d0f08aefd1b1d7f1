import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import { SERIES } from '../../../../ingest/derived/catalogue.ts'
import { createCertificateDays } from '../../../../ingest/derived/certificate-days.ts'
import { loadKnownKeys } from '../../../../ingest/derived/known-keys.ts'
import { createSampler } from '../../../../ingest/derived/sampler.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { createTestClock, openMarksPlace, type MarksPlace } from './marks-fixture.ts'

const DAY_NS = 86_400_000_000_000n
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

describe('the budget of keys', () => {
  let place: MarksPlace
  let clock: ReturnType<typeof createTestClock>
  const keysWith = (maxKeys: number) => loadKnownKeys(place.db, { maxKeys, keepDays: 90, clock })

  beforeEach(() => {
    clock = createTestClock()
    place = openMarksPlace(clock)
  })
  afterEach(() => place.close())

  it('gives places to those that come first, and keeps them over a restart', () => {
    const keys = keysWith(2)
    const admitted = ['A', 'B', 'C', 'A'].map((key) => keys.admit('cell', key))
    expect(admitted).toEqual(['A', 'B', '_other', 'A'])
    keys.save()
    expect(['C', 'B', 'A'].map((key) => keysWith(2).admit('cell', key))).toEqual([
      '_other',
      'B',
      'A',
    ])
  })

  it('counts each grouping by itself, and only those that are not in the registry', () => {
    const keys = keysWith(1)
    const admit = (grouping: Grouping) => ['A', 'B'].map((key) => keys.admit(grouping, key))
    for (const grouping of ['cell', 'operator', 'band'] as const) {
      expect(admit(grouping)).toEqual(['A', '_other'])
    }
    for (const grouping of ['device', 'kind', 'tenant', 'rat'] as const) {
      expect(admit(grouping)).toEqual(['A', 'B'])
    }
    expect(keysWith(0).admit('cell', '_none')).toBe('_none')
  })

  it('frees the place of a key that was not seen for long', () => {
    const keys = keysWith(1)
    keys.admit('cell', 'A')
    keys.save()
    clock.turn(60n * DAY_NS)
    keys.admit('cell', 'A')
    keys.save()
    clock.turn(60n * DAY_NS)
    expect(keysWith(1).admit('cell', 'B')).toBe('_other')
    clock.turn(60n * DAY_NS)
    expect(keysWith(1).admit('cell', 'B')).toBe('B')
  })
})

describe('samples', () => {
  it('are due at the turns of their interval, until they are written', () => {
    const clock = createTestClock(DAY_NS)
    const sampler = createSampler()
    const due = () => sampler.due(clock.nowNs())
    const all = SERIES.filter(({ sample }) => sample).length
    expect(due()).toHaveLength(all)
    expect(due()).toHaveLength(all)
    for (const sample of due()) sample.done()
    expect(due()).toHaveLength(0)
    clock.turn(10_000_000_000n)
    expect(due()).toHaveLength(1)
    clock.turn(50_000_000_000n)
    expect(due()).toHaveLength(3)
    for (const sample of due()) sample.done()
    sampler.registryChanged()
    expect(due()).toHaveLength(1)
  })
})

describe('the list of series', () => {
  it('names each measurement once, and each says something', () => {
    const names = SERIES.map(({ measurement }) => measurement)
    expect(new Set(names).size).toBe(names.length)
    expect(SERIES.filter(({ sample, recompute }) => !sample && !recompute)).toEqual([])
  })
})

describe('the days of a certificate', () => {
  const why = hasOpenssl ? '' : ' (skipped: openssl is not installed)'
  it.skipIf(!hasOpenssl)(`are counted to its end, and unknown without one${why}`, () => {
    const dir = temporaryDir('certificate')
    const path = join(dir.path, 'cert.pem')
    const clock = createTestClock(BigInt(Date.now()) * 1_000_000n)
    try {
      execFileSync(
        'openssl',
        (
          'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test ' +
          `-days 30 -out ${path} -keyout ${join(dir.path, 'key.pem')}`
        ).split(' '),
        { stdio: 'ignore' },
      )
      const days = createCertificateDays(path, clock)
      expect(days()).toBeCloseTo(30, 1)
      clock.turn(31n * DAY_NS)
      expect(days()).toBeCloseTo(-1, 1)
      expect(createCertificateDays(null, clock)()).toBeNull()
      writeFileSync(path, 'no certificate')
      expect(createCertificateDays(path, clock)()).toBeNull()
      expect(createCertificateDays(`${path}.none`, clock)()).toBeNull()
    } finally {
      dir.remove()
    }
  })
})
