import { describe, expect, it } from 'vitest'
import {
  connackReason,
  reasonOf,
} from '../../../../../../ingest/sources/mqtt/connection/reasons.ts'

describe('reasons of the foreign broker', () => {
  it('are the same for both versions of a refused sign-in', () => {
    expect(connackReason(0, 5, 3)).toBeNull()
    expect(connackReason(4, 4, 2)).toEqual(connackReason(0x86, 5, 3))
    expect(connackReason(5, 4, 2)).toEqual(connackReason(0x87, 5, 3))
    expect(connackReason(1, 5, 2)).toMatchObject({ refusesVersion: true })
    expect(connackReason(0x84, 5, 3)).toMatchObject({ refusesVersion: true })
    expect(reasonOf(0xfe)).toMatchObject({ retryable: true })
  })
})
