import { describe, expect, it } from 'vitest'
import { InFlightCount } from '#lib/telemetry/in-flight.ts'
import { TestIntake } from '../../../support/test-intake.ts'

describe('the count of messages in flight', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

  function draining(intake: TestIntake, messages: number) {
    const inFlight = new InFlightCount(intake)
    for (let n = 0; n < messages; n += 1) inFlight.add()
    const state = { isDrained: false }
    void inFlight.drainedOrPaused().then(() => (state.isDrained = true))
    return { inFlight, state }
  }

  it('is drained at once when there are none', async () => {
    const { state } = draining(new TestIntake(), 0)
    await turn()
    expect(state.isDrained).toBe(true)
  })

  it('is drained with the last message', async () => {
    const { inFlight, state } = draining(new TestIntake(), 2)
    inFlight.remove()
    await turn()
    expect(state.isDrained).toBe(false)
    inFlight.remove()
    await turn()
    expect(state.isDrained).toBe(true)
    expect(inFlight.count).toBe(0)
  })

  it('is not waited for while the intake is paused, from before or from now', async () => {
    const intake = new TestIntake()
    const { state } = draining(intake, 1)
    await turn()
    expect(state.isDrained).toBe(false)
    intake.pause()
    await turn()
    expect(state.isDrained).toBe(true)
    const later = draining(intake, 1)
    await turn()
    expect(later.state.isDrained).toBe(true)
  })
})
