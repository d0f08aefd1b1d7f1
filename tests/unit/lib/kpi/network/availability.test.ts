import { describe, expect, it } from 'vitest'
import { availability, type ServiceMessage } from '#lib/kpi/network/availability.ts'

const MS = 1_000_000n
const LIMITS = { latencyNs: 100n * MS, survivalNs: 50n * MS }

/** Messages every `everyMs`, with a delay each; null is lost. */
function sent(delaysMs: readonly (number | null)[], everyMs = 100): ServiceMessage[] {
  return delaysMs.map((delay, at) => {
    const sentNs = 1_764_000_000_000n * MS + BigInt(at * everyMs) * MS
    return { sentNs, receivedNs: delay === null ? null : sentNs + BigInt(delay) * MS }
  })
}

describe('availability', () => {
  it('is down from latency and survival time after the first lost message to the next in time', () => {
    // Sent at 0, 100 ... 900 ms; those of 300, 400 and 500 are lost; down from 450 to 610.
    const delays = [10, 10, 10, null, null, null, 10, 10, 10, 10]
    expect(availability(sent(delays), LIMITS)).toEqual({
      availability: (1000 - 160) / 1000,
      observedNs: 1000n * MS,
      downNs: 160n * MS,
      outages: 1,
      longestOutageNs: 160n * MS,
      n: 10,
      late: 0,
      lost: 3,
    })
  })

  it('counts a late message as down and as late, not as lost', () => {
    // The second takes 400 ms: down from 250 to the reception of the third at 310.
    const late = sent([10, 400, 110, 10])
    expect(availability(late, LIMITS)).toMatchObject({ downNs: 60n * MS, late: 2, lost: 0 })
  })

  it('survives one lost message where the next comes before latency and survival time are over', () => {
    const figures = availability(sent([10, null, 10, 10], 60), LIMITS)
    expect(figures).toMatchObject({ availability: 1, outages: 0, downNs: 0n, lost: 1 })
  })

  it('is down to the end of the observation when nothing comes any more', () => {
    // Sent to 500 ms, observed to 600; the first lost one of 200 has its end of grace at 350.
    expect(availability(sent([10, 10, null, null, null, null]), LIMITS)).toMatchObject({
      observedNs: 600n * MS,
      downNs: 250n * MS,
      availability: 350 / 600,
    })
  })

  it('reports outages apart, and the longest of them', () => {
    const delays = [null, null, null, 10, 10, null, null, null, null, 10]
    expect(availability(sent(delays), LIMITS)).toMatchObject({
      outages: 2,
      downNs: (160n + 260n) * MS,
      longestOutageNs: 260n * MS,
    })
  })

  it('takes a message exactly at the latency as in time', () => {
    expect(availability(sent([100, 100, 100]), LIMITS)).toMatchObject({ availability: 1, late: 0 })
  })

  it('is nothing of nothing', () => {
    expect(availability([], LIMITS)).toMatchObject({ availability: null, n: 0, observedNs: 0n })
  })
})
