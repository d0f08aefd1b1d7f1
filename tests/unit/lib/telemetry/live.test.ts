import { describe, expect, it } from 'vitest'
import { comparePlaces, endOf, liveId, parseLiveId, type LivePlace } from '#lib/telemetry/live.ts'

const JOURNAL = '7f1e6d2a-0000-4000-8000-000000000001'

describe('the id of a live event', () => {
  const places: LivePlace[] = [
    { position: 7, rejection: true, index: 0 },
    { position: 7, rejection: true, index: 5 },
    { position: 7, rejection: false, index: 0 },
    { position: 7, rejection: false, index: 5 },
    { position: 7, rejection: false, index: 10 },
    endOf(7),
    { position: 8, rejection: true, index: 0 },
  ]

  it('names one place of one journal, and keeps the order', () => {
    const ids = places.map((place) => liveId(JOURNAL, place).slice(JOURNAL.length))
    expect(ids).toEqual([':7.00', ':7.05', ':7.0', ':7.5', ':7.10', ':7.999999999', ':8.00'])
    for (const place of places) expect(parseLiveId(JOURNAL, liveId(JOURNAL, place))).toEqual(place)
    expect(places.toReversed().toSorted(comparePlaces)).toEqual(places)
  })

  it('is nothing when it is of another journal, or anything else', () => {
    const other = JOURNAL.replace('7', '8')
    const texts = ['', '7.0', `${other}:7.0`, `${JOURNAL}:7`, `${JOURNAL}:7.-1`, `${JOURNAL}:7.007`]
    texts.push(`${JOURNAL}:7.0\n`, ` ${JOURNAL}:7.0`, `${JOURNAL}:7.0x`, `${JOURNAL}:9e9.0`)
    for (const text of texts) expect(parseLiveId(JOURNAL, text)).toBeNull()
  })
})
