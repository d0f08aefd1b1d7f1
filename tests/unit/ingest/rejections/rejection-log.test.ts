import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import type { RejectionGroupsScan } from '#lib/queries/intake-state.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { openIngestDb } from '../../../../ingest/state/ingest-db.ts'
import { judgeBatch, type PipelineDeps } from '../../../../ingest/pipeline/process-batch.ts'
import { RejectionLog } from '../../../../ingest/rejections/rejection-log.ts'
import { REPLAY_PAGE, rejectedCandidates } from '../../../../ingest/rejections/replay-candidates.ts'
import { groupRejections } from '../../../../ingest/rejections/rejection-groups.ts'
import { createIntakeState } from '../../../../ingest/state/intake-state.ts'
import { T0, journaled, truckOf, truckPayload } from '../../../support/messages.ts'
import { temporaryFolder } from '../../lib/registry/test-registry.ts'

const DAY_NS = 86_400_000_000_000n
const OPTIONS = {
  timezone: 'Europe/Copenhagen',
  lateNs: 60_000_000_000n,
  maxAgeNs: { fleet: 90n * DAY_NS, metering: 3650n * DAY_NS },
  maxChannels: 64,
}
const ALL = { scope: { tenants: null, devices: null, kinds: null }, ids: null, reasons: null }
const EVERYTHING = { ...ALL, positions: null }

/** The pipeline with its rejections on disk; `device` is what is registered at the moment. */
function setUp() {
  const db = openIngestDb(join(temporaryFolder(), 'ingest.db'))
  const registered = new Map<string, Device>([['acme.t1', truckOf()]])
  let state = createIntakeState()
  let rejections = new RejectionLog(db)
  const deps: PipelineDeps = {
    device: (id) => registered.get(id) ?? null,
    known: async (identities) => identities.map(() => 'unknown'),
    statusBefore: (origin, at) => rejections.statusBefore(origin, at),
    refusedBefore: (at) => rejections.refusedBefore(at),
  }
  async function run(...messages: JournaledMessage[]) {
    const outcome = await judgeBatch(state, messages, deps, OPTIONS)
    rejections.record(outcome.rejected, outcome.recovered, outcome.refusedReplays)
    return outcome
  }
  /** As after a crash before any snapshot: the rejections are there, the state is not. */
  function crash() {
    state = createIntakeState()
    rejections = new RejectionLog(db)
  }
  const counts = (id = 'acme.t1') => state.devices.get(id)?.counts
  return { db, registered, run, crash, counts, rejections: () => rejections }
}

const replayOf = (message: JournaledMessage, position: number, item = -1): JournaledMessage => ({
  ...message,
  position,
  origin: { position: message.position, elementIndex: item },
})

const senml = (position: number, records: readonly object[]) =>
  journaled(position, records, { topic: 'padborg/v1/acme/t1/senml' })
const ARRAY = [
  truckPayload(1),
  { ...truckPayload(2), kind: 'robot', data: { socPct: 50 } },
  { ...truckPayload(3), seq: -1 },
]

describe('rejections', () => {
  it('keep the format that refused them, and its version', async () => {
    const { run, db } = setUp()
    await run(journaled(1, '{'))
    expect(db.prepare('SELECT format, format_version FROM rejections').all()).toMatchObject([
      { format: 'native', format_version: 1 },
    ])
  })

  it('give the path of a time that is too old as the format names it', async () => {
    const { run, registered } = setUp()
    registered.set('acme.r1', { ...truckOf('acme.r1'), kind: 'robot', format: 'vda5050' })
    const state = {
      headerId: 1,
      timestamp: '2025-01-01T00:00:00Z',
      version: '2.0.0',
      manufacturer: 'KIT',
      serialNumber: '0001',
      agvPosition: { x: 1, y: 2, theta: 0, mapId: 'm', positionInitialized: true },
      batteryState: { batteryCharge: 80, charging: false },
      driving: false,
      operatingMode: 'AUTOMATIC',
      safetyState: { eStop: 'NONE', fieldViolation: false },
      nodeStates: [],
      edgeStates: [],
      actionStates: [],
      errors: [],
      orderId: '',
      orderUpdateId: 0,
      lastNodeId: '',
      lastNodeSequenceId: 0,
    }
    const topic = 'padborg/v1/acme/r1/vda5050'
    const { rejected } = await run(
      journaled(1, state, { device: 'acme.r1', topic }),
      journaled(2, [truckPayload(1, 50, 1_700_000_000_000)]),
    )
    expect(rejected.map(({ refused }) => refused[0])).toMatchObject([
      { reason: 'too_old', path: 'timestamp' },
      { reason: 'too_old', path: '[0].ts' },
    ])
  })

  it('are refused again when records are read again after a crash, even if the cause is fixed', async () => {
    const { run, crash, registered, counts } = setUp()
    const unknown = journaled(1, truckPayload(1), { device: 'acme.t2' })
    await run(unknown, journaled(2, ARRAY))
    crash()
    registered.set('acme.t2', truckOf('acme.t2'))
    const { readings } = await run(unknown, journaled(2, ARRAY))
    // The store has been at these positions: what it got then is all it will take of them.
    expect(readings.map(({ position }) => position)).toEqual([2])
    expect(counts('acme.t2')).toMatchObject({ read: 1, rejected: 1, stored: 0 })

    const replay = await run(replayOf(unknown, 3))
    expect(replay.readings).toHaveLength(1)
    expect(counts('acme.t2')).toMatchObject({ read: 1, rejected: 0, stored: 1 })
  })

  it('stay so when the replay that had failed is read again', async () => {
    const { run, crash, registered, counts, rejections } = setUp()
    registered.delete('acme.t1')
    const message = journaled(1, truckPayload(1))
    await run(message, replayOf(message, 2))
    registered.set('acme.t1', truckOf())
    crash()
    const again = await run(message, replayOf(message, 2))
    expect(again.readings).toEqual([])
    expect(again.replays.get(2)).toBe('again')
    expect(rejections().statusBefore(1, 3).open).toEqual([-1])
    const { readings } = await run(replayOf(message, 3))
    expect(readings).toHaveLength(1)
    expect(counts()).toMatchObject({ read: 1, rejected: 0, stored: 1, duplicate: 0 })
  })

  it('of an array are recovered one by one when the whole message is replayed', async () => {
    const { run, registered, counts, rejections } = setUp()
    const message = journaled(1, ARRAY)
    await run(message)
    expect(rejections().statusBefore(1, 2).open).toEqual([1, 2])
    registered.set('acme.t1', { ...truckOf(), kind: 'robot' })
    const { replays, readings } = await run(replayOf(message, 2))
    expect(readings.map(({ kind }) => kind)).toEqual(['robot'])
    expect(replays.get(2)).toBe('recovered')
    expect(rejections().statusBefore(1, 3).open).toEqual([2])
    expect(counts()).toMatchObject({ read: 1, stored: 1, partial: 1, rejected: 0 })
  })

  it('of a whole message may turn out to be one of an element', async () => {
    const { run, registered, counts, rejections } = setUp()
    registered.delete('acme.t1')
    const message = journaled(1, ARRAY)
    await run(message)
    expect(rejections().statusBefore(1, 2)).toMatchObject({ open: [-1], rejected: true })
    registered.set('acme.t1', truckOf())
    const { replays, readings } = await run(replayOf(message, 2))
    expect(readings).toHaveLength(1)
    expect(replays.get(2)).toBe('recovered')
    expect(rejections().statusBefore(1, 3)).toMatchObject({ open: [1, 2], rejected: false })
    expect(counts()).toMatchObject({ read: 1, stored: 1, partial: 1, rejected: 0 })
  })

  it('of a topic without a device are counted at their topic, and stored for the device that gets it', async () => {
    const { run, counts } = setUp()
    const nobodys = senml(1, [{ n: 'speedKmh', v: 5, t: Number(T0 / 1_000_000_000n) }])
    const message = { ...nobodys, device: '', topic: 'plant/truck' }
    await run(message)
    expect(counts('')).toMatchObject({ read: 1, rejected: 1 })
    const native = journaled(2, truckPayload(1), { topic: 'plant/truck', device: '' })
    await run(native)
    const outcome = await run({ ...replayOf(native, 3), device: 'acme.t1' })
    expect(outcome.readings.map(({ device }) => device)).toEqual(['acme.t1'])
    expect(counts('')).toMatchObject({ read: 2, rejected: 1, stored: 1 })
    expect(counts()).toMatchObject({ read: 0, rejected: 0, stored: 0 })
    expect(outcome.replayed.map(({ device }) => device)).toEqual([''])
  })
})

describe('groups of rejections', () => {
  const SPAN = { fromNs: 0n, toNs: 1n << 62n }

  it('count what is of one sort, and how much of it was recovered', async () => {
    const { run, db, registered } = setUp()
    const known = journaled(4, truckPayload(4), { device: 'acme.t2' })
    await run(journaled(1, '{'), journaled(2, '['), journaled(3, ARRAY), known)
    registered.set('acme.t2', truckOf('acme.t2'))
    await run(replayOf(known, 5))
    const ask = (by: RejectionGroupsScan['by'], scope: Scope = ALL.scope) =>
      groupRejections(db, { ...SPAN, scope, reasons: null, by })
    expect(ask(['reason', 'device'])).toMatchObject([
      { group: { reason: 'malformed', device: 'acme.t1' }, count: 2, recovered: 0 },
      { group: { reason: 'unknown_device', device: 'acme.t2' }, count: 1, recovered: 1 },
      { group: { reason: 'schema', device: 'acme.t1' }, count: 1 },
      { group: { reason: 'kind', device: 'acme.t1' }, count: 1 },
    ])
    expect(ask([], { ...ALL.scope, devices: ['acme.t2'] })).toMatchObject([{ group: {}, count: 1 }])
    expect(ask([], { ...ALL.scope, tenants: [] })).toEqual([])
  })
})

describe('candidates of a replay', () => {
  it('come in parts, each rejection once', async () => {
    const { db, run } = setUp()
    const count = 2 * REPLAY_PAGE.messages + 5
    await run(...Array.from({ length: count }, (_, at) => journaled(at + 1, '{')))
    const seen: number[] = []
    for (let page = rejectedCandidates(db, EVERYTHING, null); ;) {
      expect(page.candidates.length).toBeLessThanOrEqual(REPLAY_PAGE.messages)
      seen.push(...page.candidates.map(({ origin }) => origin.position))
      if (page.next === null) break
      page = rejectedCandidates(db, EVERYTHING, page.next)
    }
    expect(seen).toEqual(Array.from({ length: count }, (_, at) => at + 1))
  })

  it('come in parts of limited bytes', async () => {
    const { db, run } = setUp()
    const payload = Buffer.alloc(256 * 1024, '{')
    await run(...Array.from({ length: 40 }, (_, at) => journaled(at + 1, 'x', { payload })))
    const { candidates, next } = rejectedCandidates(db, EVERYTHING, null)
    expect(candidates).toHaveLength(REPLAY_PAGE.bytes / payload.length)
    expect(rejectedCandidates(db, EVERYTHING, next).candidates).toHaveLength(40 - candidates.length)
  })

  it('may be ten thousand ids', async () => {
    const { db, run } = setUp()
    await run(journaled(1, '{'), journaled(2, '{'), journaled(3, '{'))
    const ids = Array.from({ length: 10_000 }, (_, at) => `${at + 2}.0`)
    const { candidates } = rejectedCandidates(db, { ...ALL, ids, positions: null }, null)
    expect(candidates.map(({ origin }) => origin.position)).toEqual([2, 3])
  })
})
