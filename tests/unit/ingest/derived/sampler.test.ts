import { describe, expect, it } from 'vitest'
import { SERIES } from '../../../../ingest/derived/catalogue.ts'
import { createSampler } from '../../../../ingest/derived/sampler.ts'
import { createTestClock } from './marks-fixture.ts'

const DAY_NS = 86_400_000_000_000n

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
