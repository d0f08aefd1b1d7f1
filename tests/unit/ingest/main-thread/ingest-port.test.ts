import { expect, it } from 'vitest'
import { lagMsOf } from '../../../../ingest/main-thread/ingest-port.ts'

it('the lag is the age of what waits, and nothing where the clock was set back', () => {
  const waiting = { lastReceivedAtNs: 1_000_000_000n, waitingSinceNs: 3_000_000_000n }
  expect(lagMsOf(waiting, 3_250_000_000n)).toBe(250)
  expect(lagMsOf({ ...waiting, waitingSinceNs: 0n }, 3_000_000_000n)).toBe(2000)
  expect(lagMsOf(waiting, 2_000_000_000n)).toBe(0)
})
