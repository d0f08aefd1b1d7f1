import { describe, expect, it } from 'vitest'
import {
  sharedFilter,
  wantedFilters,
} from '../../../../../../ingest/sources/mqtt/subscriptions/filters.ts'

describe('filters', () => {
  it('are the native tree and the topics of the devices, none covered by another', () => {
    const devices = [{ topics: ['uagv/v2/K/1/#', 'a/b'] }, { topics: ['a/b', 'uagv/v2/K/1/state'] }]
    expect(wantedFilters(null, devices)).toEqual(['a/b', 'padborg/v1/#', 'uagv/v2/K/1/#'])
    expect(wantedFilters(['#', 'a/+', '+/#', '$x/y'], devices)).toEqual(['#', '$x/y'])
    expect(wantedFilters(['a/+/c', 'a/b/+'], devices)).toEqual(['a/+/c', 'a/b/+'])
  })

  it('are shared under a name', () => {
    expect(sharedFilter('g', 'a/#')).toBe('$share/g/a/#')
    expect(sharedFilter(null, 'a/#')).toBe('a/#')
  })
})
