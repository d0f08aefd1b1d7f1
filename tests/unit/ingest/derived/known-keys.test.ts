import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import { loadKnownKeys } from '../../../../ingest/derived/known-keys.ts'
import { createTestClock, openMarksPlace, type MarksPlace } from './marks-fixture.ts'

const DAY_NS = 86_400_000_000_000n

describe('the budget of keys', () => {
  let place: MarksPlace
  let clock: ReturnType<typeof createTestClock>
  const keysWith = (maxKeys: number) => loadKnownKeys(place.db, { maxKeys, keepDays: 90, clock })

  beforeEach(() => {
    clock = createTestClock()
    place = openMarksPlace(clock)
  })
  afterEach(() => place.close())

  it('gives a series to the keys that come first, and keeps them over a restart', () => {
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
