import { describe, expect, it } from 'vitest'
import type { LiveBatch } from '#lib/telemetry/live.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { LiveWatch } from '../../../../ingest/live/live-watch.ts'
import type { Outcome } from '../../../../ingest/pipeline/outcome.ts'
import { judgeBatch } from '../../../../ingest/pipeline/process-batch.ts'
import { createIntakeState } from '../../../../ingest/state/intake-state.ts'
import { journaled, truckOf, truckPayload } from '../../../support/messages.ts'

const DAY_NS = 86_400_000_000_000n

function outcomeOf(...messages: ReturnType<typeof journaled>[]): Promise<Outcome> {
  return judgeBatch(
    createIntakeState(),
    messages,
    {
      device: truckOf,
      known: async (identities) => identities.map(() => 'unknown' as const),
      statusBefore: () => ({ open: [], rejected: false }),
    },
    {
      timezone: 'Europe/Copenhagen',
      lateNs: 60_000_000_000n,
      maxAgeNs: { fleet: 90n * DAY_NS, metering: 3650n * DAY_NS },
      maxChannels: 64,
    },
  )
}

const bad = { ...truckPayload(9), data: { speedKmh: 'fast' } }
const placesOf = (batch: LiveBatch | null) => batch?.events.map(({ place }) => place)

describe('what is watched of a batch', () => {
  const only = (devices: string[]) => ({ ...ALL, devices })

  it('collects nothing without a viewer', async () => {
    const watch = new LiveWatch()
    const outcome = await outcomeOf(journaled(1, truckPayload(1)), journaled(2, bad))
    expect(watch.batchOf(outcome, 2)).toBeNull()
    watch.want([{ readings: ALL, rejections: ALL }])
    expect(watch.batchOf(outcome, 2)?.events).toHaveLength(2)
    watch.want([])
    expect(watch.batchOf(outcome, 2)).toBeNull()
  })

  it('is what any of the interests lets through, in the order of the places', async () => {
    const watch = new LiveWatch()
    const t2 = { device: 'beta.t1', topic: 'padborg/v1/beta/t1/telemetry' }
    const outcome = await outcomeOf(
      journaled(1, [truckPayload(1), bad, truckPayload(2)]),
      journaled(2, [truckPayload(1), bad], t2),
    )
    watch.want([
      { readings: only(['acme.t1']), rejections: null },
      { readings: null, rejections: { ...ALL, tenants: ['beta'] } },
    ])
    const batch = watch.batchOf(outcome, 5)
    expect(batch).toMatchObject({ position: 5, dropped: 0 })
    expect(placesOf(batch)).toEqual([
      { position: 1, rejection: false, index: 0 },
      { position: 1, rejection: false, index: 1 },
      { position: 2, rejection: true, index: 2 },
    ])
    watch.want([{ readings: { ...ALL, kinds: ['robot'] }, rejections: null }])
    expect(watch.batchOf(outcome, 5)).toBeNull()
  })

  it('has bounds: the newest are kept, the others counted', async () => {
    const messages = Array.from({ length: 20 }, (_, n) =>
      journaled(n + 1, n % 2 === 0 ? truckPayload(n) : bad),
    )
    const outcome = await outcomeOf(...messages)
    const many = new LiveWatch({ events: 6, payloadBytes: 1e6 })
    many.want([{ readings: ALL, rejections: null }])
    expect(many.batchOf(outcome, 20)).toMatchObject({ dropped: 4 })
    expect(placesOf(many.batchOf(outcome, 20))?.map(({ position }) => position)).toEqual([
      9, 11, 13, 15, 17, 19,
    ])
    const bytes = JSON.stringify(bad).length
    const heavy = new LiveWatch({ events: 100, payloadBytes: bytes * 3 })
    heavy.want([{ readings: null, rejections: ALL }])
    const batch = heavy.batchOf(outcome, 20)
    expect(batch).toMatchObject({ dropped: 7 })
    expect(placesOf(batch)?.map(({ position }) => position)).toEqual([16, 18, 20])
  })

  it('brings the payload in memory of its own', async () => {
    const block = Buffer.from(`....${JSON.stringify(bad)}....`)
    const payload = block.subarray(4, -4)
    const watch = new LiveWatch()
    watch.want([{ readings: null, rejections: ALL }])
    const [event] = watch.batchOf(await outcomeOf(journaled(1, '', { payload })), 1)?.events ?? []
    if (event?.type !== 'rejection') throw new Error('expected a rejection')
    expect(Buffer.from(event.row.payload).equals(payload)).toBe(true)
    expect(event.row.payload.buffer.byteLength).toBe(payload.length)
  })
})
