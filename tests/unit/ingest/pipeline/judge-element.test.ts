import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { judgeBatch } from '../../../../ingest/pipeline/process-batch.ts'
import { createIntakeState } from '../../../../ingest/state/intake-state.ts'
import { T0, journaled, truckOf } from '../../../support/messages.ts'

const DAY_NS = 86_400_000_000_000n
const TOPIC = 'uagv/v2/Fjordbot/FB-0007'
const device: Device = { ...truckOf(), kind: 'robot', format: 'vda5050' }

type Sent = readonly [topic: 'state' | 'visualization' | 'connection', headerId: number]

/** The sequence facts of each topic of a robot that sent messages with these headerIds. */
async function sequencesOf(sent: readonly Sent[]) {
  const state = createIntakeState()
  const messages = sent.map(([topic, headerId], at) =>
    journaled(at + 1, payloadOf(topic, headerId, at), { topic: `${TOPIC}/${topic}` }),
  )
  await judgeBatch(
    state,
    messages,
    {
      device: () => device,
      known: async (identities) => identities.map(() => 'unknown' as const),
      statusBefore: () => ({ open: [], rejected: false }),
    },
    {
      timezone: 'UTC',
      lateNs: 60_000_000_000n,
      maxAgeNs: { fleet: 90n * DAY_NS, metering: 3650n * DAY_NS },
      maxChannels: 64,
    },
  )
  const channels = state.devices.get('acme.t1')?.channels ?? new Map()
  return Object.fromEntries(
    [...channels].map(([name, { loss }]) => {
      const { received, lost, restarts } = loss
      return [name.slice(TOPIC.length + 1), { received, lost, restarts }]
    }),
  )
}

function payloadOf(topic: Sent[0], headerId: number, at: number): object {
  const time = Temporal.Instant.fromEpochNanoseconds(T0 + BigInt(at) * 1_000_000_000n)
  const header = { headerId, timestamp: time.toString(), version: '2.1.0' }
  const own = { ...header, manufacturer: 'Fjordbot', serialNumber: 'FB-0007' }
  if (topic === 'connection') return { ...own, connectionState: 'ONLINE' }
  if (topic === 'visualization') return { ...own, velocity: { vx: at } }
  return {
    ...own,
    orderId: '',
    orderUpdateId: 0,
    lastNodeId: '',
    lastNodeSequenceId: 0,
    driving: false,
    nodeStates: [],
    edgeStates: [],
    actionStates: [],
    errors: [],
    batteryState: { batteryCharge: 50, charging: false },
    operatingMode: 'AUTOMATIC',
    safetyState: { eStop: 'NONE', fieldViolation: false },
  }
}

const states = (...ids: number[]) => ids.map((id): Sent => ['state', id])

describe('the headerId of VDA 5050', () => {
  it('counts per topic, and never on connection', async () => {
    const sent: Sent[] = [...states(1, 2), ['visualization', 700], ['connection', 999_999_999]]
    expect(await sequencesOf([...sent, ['visualization', 702], ...states(3, 5)])).toEqual({
      state: { received: 4, lost: 1, restarts: 0 },
      visualization: { received: 2, lost: 1, restarts: 0 },
    })
  })

  it.each([
    { what: 'a restart', ids: [80, 81, 0, 1], lost: 0, restarts: 1 },
    { what: 'a rollover', ids: [2 ** 32 - 2, 2 ** 32 - 1, 0, 1], lost: 0, restarts: 0 },
    { what: 'a jump', ids: [5, 6, 100_000, 100_001], lost: 0, restarts: 1 },
  ])('loses nothing by $what', async ({ ids, lost, restarts }) => {
    const { state } = await sequencesOf(states(...ids))
    expect(state).toMatchObject({ lost, restarts })
  })
})
