import { describe, expect, it } from 'vitest'
import { readPage } from '../../../../../ingest/sources/rfms/page.ts'

const NOW_MS = Date.UTC(2026, 10, 25, 2)

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

  it('takes only the query of the link to its next page', () => {
    const link = 'https://elsewhere.example/steal?starttime=x&lastVin=y'
    const page = readPage({
      vehicleStatus: [],
      moreDataAvailable: true,
      moreDataAvailableLink: link,
    })
    expect(page?.nextQuery).toBe('starttime=x&lastVin=y')
  })
})
