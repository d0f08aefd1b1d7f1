import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { NewDevice } from '#lib/registry/registry.ts'
import { createSubDevices } from '#lib/registry/sub-devices.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { openIngestDb } from '../../../../ingest/state/ingest-db.ts'
import { judgeBatch, type PipelineDeps } from '../../../../ingest/pipeline/process-batch.ts'
import { RejectionLog } from '../../../../ingest/rejections/rejection-log.ts'
import { createIntakeState } from '../../../../ingest/state/intake-state.ts'
import { T0, journaled } from '../../../support/messages.ts'
import { openTestRegistry, temporaryFolder } from '../../lib/registry/test-registry.ts'

const DAY_NS = 86_400_000_000_000n
const OPTIONS = {
  timezone: 'Europe/Copenhagen',
  lateNs: 60_000_000_000n,
  maxAgeNs: { fleet: 90n * DAY_NS, metering: 3650n * DAY_NS },
  maxChannels: 64,
}
const WHEEL_7 = '352093081452251'
const WHEEL_8 = '352093081452252'

/** A message of a Traccar server, some seconds after T0. */
function position(uniqueId: unknown, second = 1) {
  const fixTime = Temporal.Instant.fromEpochNanoseconds(T0 + BigInt(second) * 1_000_000_000n)
  return {
    position: {
      fixTime: fixTime.toString(),
      valid: true,
      latitude: 54.8,
      longitude: 9.3,
      speed: 10,
    },
    device: { uniqueId },
  }
}

/** The pipeline beside a real registry and a real log of rejections. */
function setUp(gateway: Partial<NewDevice> = {}) {
  const { registry } = openTestRegistry()
  const { devices } = registry
  registry.tenants.create({ id: 'acme', name: 'Acme' })
  devices.create({ id: 'gw', tenant: 'acme', kind: 'gateway', format: 'traccar', ...gateway })
  const state = createIntakeState()
  const rejections = new RejectionLog(openIngestDb(join(temporaryFolder(), 'ingest.db')))
  const log = createLog('silent')
  const asked: string[] = []
  const deps: PipelineDeps = {
    device: (id) => devices.get(id),
    known: async (identities) => identities.map(() => 'unknown'),
    statusBefore: (origin, at) => rejections.statusBefore(origin, at),
    async createSubDevices(wanted) {
      asked.push(...wanted.map(({ id }) => id))
      createSubDevices(registry, wanted, log)
    },
    pseudonym: (text) => Buffer.from(text).toString('hex').slice(-24),
  }
  async function run(...messages: JournaledMessage[]) {
    const outcome = await judgeBatch(state, messages, deps, OPTIONS)
    rejections.record(outcome.rejected, outcome.recovered)
    return outcome
  }
  const counts = (id = 'acme.gw') => state.devices.get(id)?.counts
  return { registry, devices, state, rejections, deps, asked, run, counts }
}

function fromGateway(at: number, payload: unknown, more: Partial<JournaledMessage> = {}) {
  return journaled(at, payload, { device: 'acme.gw', topic: 'padborg/v1/acme/gw/traccar', ...more })
}

const createsThem = { settings: { createSubDevices: true } }

describe('the sub-devices of a gateway', () => {
  it('are created when it may, and the readings are theirs', async () => {
    const { run, devices, state, counts } = setUp(createsThem)
    const { readings, rejected } = await run(
      fromGateway(1, position(WHEEL_7)),
      fromGateway(2, position(WHEEL_8)),
      fromGateway(3, position(WHEEL_7, 2)),
    )
    expect(rejected).toEqual([])
    expect(readings.map(({ device }) => device)).toEqual([
      `acme.${WHEEL_7}`,
      `acme.${WHEEL_8}`,
      `acme.${WHEEL_7}`,
    ])
    expect(devices.get(`acme.${WHEEL_7}`)).toMatchObject({
      tenant: 'acme',
      kind: 'truck',
      format: 'traccar',
      settings: { gateway: 'gw' },
    })
    // The messages count where they came from; last values are of the vehicles.
    expect(counts()).toMatchObject({ read: 3, stored: 3, rejected: 0, duplicate: 0 })
    expect(counts(`acme.${WHEEL_7}`)).toMatchObject({ read: 0, stored: 0 })
    expect(state.devices.get(`acme.${WHEEL_7}`)?.last.get('truck')?.timeNs).toBe(
      T0 + 2_000_000_000n,
    )
    expect(state.devices.get('acme.gw')?.last.size).toBe(0)
  })

  it('have duplicates of their own each', async () => {
    const { run, counts } = setUp(createsThem)
    const { readings } = await run(
      fromGateway(1, position(WHEEL_7)),
      fromGateway(2, position(WHEEL_7)),
      fromGateway(3, position(WHEEL_8)),
    )
    expect(readings.map(({ position: at }) => at)).toEqual([1, 3])
    expect(readings.map(({ flags }) => flags)).toEqual([0, 0])
    expect(counts()).toMatchObject({ read: 3, stored: 2, duplicate: 1 })
  })

  it('are not created unasked: their messages are rejections that a replay recovers', async () => {
    const { run, devices, asked, counts, rejections } = setUp()
    const message = fromGateway(1, position(WHEEL_7))
    const first = await run(message)
    expect(asked).toEqual([])
    expect(first.rejected[0]?.refused).toMatchObject([
      { elementIndex: -1, reason: 'unknown_device', got: WHEEL_7, subDevice: WHEEL_7 },
    ])
    expect(counts()).toMatchObject({ read: 1, rejected: 1, stored: 0 })

    devices.create({ id: WHEEL_7, tenant: 'acme', kind: 'truck', settings: { gateway: 'gw' } })
    const again = { ...message, position: 2, origin: { position: 1, elementIndex: -1 } }
    const second = await run(again)
    expect(second.readings.map(({ device }) => device)).toEqual([`acme.${WHEEL_7}`])
    expect(second.replays.get(2)).toBe('recovered')
    expect(counts()).toMatchObject({ read: 1, rejected: 0, stored: 1 })
    expect(rejections.statusBefore(1, 3).open).toEqual([])

    const third = await run({ ...again, position: 3 })
    expect(third.readings).toEqual([])
    expect(third.replays.get(3)).toBe('duplicate')
    expect(counts()).toMatchObject({ read: 1, rejected: 0, stored: 1, duplicate: 0 })
  })

  it('are created up to the limit of the gateway', async () => {
    const { run, devices } = setUp({ settings: { createSubDevices: 1 } })
    const { readings, rejected } = await run(
      fromGateway(1, position(WHEEL_7)),
      fromGateway(2, position(WHEEL_8)),
    )
    expect(readings.map(({ device }) => device)).toEqual([`acme.${WHEEL_7}`])
    expect(rejected.map(({ refused }) => refused[0]?.subDevice)).toEqual([WHEEL_8])
    expect(devices.get(`acme.${WHEEL_8}`)).toBeNull()
  })

  it('cannot be a device that somebody else speaks for', async () => {
    const { run, devices } = setUp(createsThem)
    devices.create({ id: WHEEL_7, tenant: 'acme', kind: 'truck' })
    const { readings, rejected } = await run(fromGateway(1, position(WHEEL_7)))
    expect(readings).toEqual([])
    expect(rejected[0]?.refused).toMatchObject([
      { reason: 'unknown_device', expected: 'a device whose setting gateway is gw' },
    ])
  })

  it.each([[''], ['   '], [undefined], [7]])('must have a name: %s', async (uniqueId) => {
    const { run } = setUp(createsThem)
    const { rejected } = await run(fromGateway(1, position(uniqueId)))
    expect(rejected[0]?.refused).toMatchObject([{ reason: 'schema', path: 'device.uniqueId' }])
  })

  it.each([['a b'], ['../t1'], ['x'.repeat(64)], ['borg.t1']])(
    'must have a name that is an id: %s',
    async (uniqueId) => {
      const { run, asked } = setUp(createsThem)
      const { rejected } = await run(fromGateway(1, position(uniqueId)))
      expect(rejected[0]?.refused).toMatchObject([{ reason: 'unknown_device' }])
      expect(asked).toEqual([])
    },
  )

  it('are not the gateway itself', async () => {
    const { run } = setUp(createsThem)
    const own = { v: 1, kind: 'truck', ts: Number(T0 / 1_000_000n), data: { speedKmh: 5 } }
    const topic = 'padborg/v1/acme/gw/telemetry'
    const { readings, rejected } = await run(fromGateway(1, own, { topic }))
    expect(readings).toEqual([])
    expect(rejected[0]?.refused).toMatchObject([{ reason: 'kind' }])
  })

  it('wait for the registry: while it cannot be written, nothing is decided', async () => {
    const { deps, state, counts } = setUp(createsThem)
    const failing = { ...deps, createSubDevices: () => Promise.reject(new Error('disk full')) }
    const message = fromGateway(1, position(WHEEL_7))
    await expect(judgeBatch(state, [message], failing, OPTIONS)).rejects.toThrow('disk full')
    expect(counts()).toBeUndefined()
    const { readings } = await judgeBatch(state, [message], deps, OPTIONS)
    expect(readings).toHaveLength(1)
    expect(counts()).toMatchObject({ read: 1, stored: 1 })
  })
})

describe('the setting createSubDevices', () => {
  it.each([[0], [-1], [1.5], [100_001], ['yes'], [null]])('is not %s', (createSubDevices) => {
    const { devices } = setUp()
    const gateway = { id: 'g2', tenant: 'acme', kind: 'gateway' } as const
    expect(() => devices.create({ ...gateway, settings: { createSubDevices } })).toThrow(
      'settings.createSubDevices: expected true, false or a number from 1 to 100000',
    )
  })

  it('is of gateways only', () => {
    const { devices } = setUp()
    const truck = { id: 't1', tenant: 'acme', kind: 'truck' } as const
    const settings = { createSubDevices: true }
    expect(() => devices.create({ ...truck, settings })).toThrow('settings.createSubDevices')
  })
})

describe('an rFMS server as gateway', () => {
  const status = (vin: string, second: number) => ({
    vin,
    createdDateTime: `2025-11-24T16:00:0${second}Z`,
    receivedDateTime: `2025-11-24T16:00:09Z`,
    hrTotalVehicleDistance: 1000,
  })

  it('has a sub-device for each VIN of a response, under a pseudonym', async () => {
    const { run, counts } = setUp({ ...createsThem, format: 'rfms' })
    const vehicleStatuses = [
      status('YV2RT40A5GA000001', 1),
      status('YV2RT40A5GA000002', 1),
      status('YV2RT40A5GA000001', 2),
      { ...status('', 1), vin: undefined },
    ]
    const payload = { vehicleStatusResponse: { vehicleStatuses } }
    const topic = 'padborg/v1/acme/gw/rfms'
    const outcome = await run(fromGateway(1, payload, { topic }))
    const ids = outcome.readings.map(({ device }) => device)
    expect(new Set(ids).size).toBe(2)
    expect(ids[0]).toBe(ids[2])
    expect(ids[0]).toMatch(/^acme\.vin-[0-9a-f]{24}$/)
    expect(outcome.rejected[0]?.refused).toMatchObject([
      { elementIndex: 3, reason: 'schema', path: 'vehicleStatusResponse.vehicleStatuses[3].vin' },
    ])
    expect(counts()).toMatchObject({ read: 1, stored: 1, partial: 1 })
  })

  it('never shows a VIN, also not of a vehicle that is refused', async () => {
    const { run } = setUp({ format: 'rfms' })
    const topic = 'padborg/v1/acme/gw/rfms'
    const payload = { vehicleStatus: [status('YV2RT40A5GA000001', 1)] }
    const { rejected } = await run(fromGateway(1, payload, { topic }))
    expect(rejected[0]?.refused).toMatchObject([{ elementIndex: 0, reason: 'unknown_device' }])
    expect(JSON.stringify(rejected[0]?.refused)).not.toContain('YV2RT')
  })
})

describe('a receiver of wmbusmeters as gateway', () => {
  const topic = 'padborg/v1/acme/gw/wmbusmeters'
  const telegram = (name: string) =>
    readFileSync(`${import.meta.dirname}/../../../cases/wmbusmeters/${name}/input.json`)

  it('has a sub-device for each meter, of the kind of its medium', async () => {
    const { run, devices } = setUp({ ...createsThem, format: 'wmbusmeters' })
    const { readings } = await run(
      fromGateway(1, 'x', { topic, payload: telegram('kamheat-volume-at-inlet') }),
      fromGateway(2, 'x', { topic, payload: telegram('electricity') }),
    )
    expect(readings.map(({ kind }) => kind)).toEqual(['heat_meter', 'energy_meter'])
    for (const { device, kind, fields } of readings) {
      expect(device).toBe(`acme.${String(fields['meterId'])}`)
      expect(devices.get(device)).toMatchObject({ kind, settings: { gateway: 'gw' } })
    }
  })

  it('needs a registered meter where the medium is not known, and then reads it', async () => {
    const { run, devices } = setUp({ ...createsThem, format: 'wmbusmeters' })
    const given = { ...JSON.parse(String(telegram('electricity'))), media: 'unknown' }
    const { rejected } = await run(fromGateway(1, given, { topic }))
    const [refused] = rejected[0]?.refused ?? []
    expect(refused).toMatchObject({ reason: 'unknown_device', path: 'media' })
    const id = refused?.subDevice ?? ''
    devices.create({ id, tenant: 'acme', kind: 'energy_meter', settings: { gateway: 'gw' } })
    const { readings } = await run(fromGateway(2, given, { topic }))
    expect(readings).toMatchObject([{ device: `acme.${id}`, kind: 'energy_meter' }])
  })
})
