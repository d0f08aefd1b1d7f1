import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openRegistry } from '#lib/registry/open.ts'
import { createSubDevices } from '#lib/registry/sub-devices.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openIngest, type IngestOptions } from '../../../../ingest/open-ingest.ts'
import { T0 } from '../../../support/messages.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { FORMAT_NAMES } from '../../../../ingest/formats/catalogue.ts'

/** The port between the worker, which only reads the registry, and the thread that writes it. */
const EVENTS = {
  notices: () => undefined,
  settled: () => undefined,
  accepted: () => undefined,
  fatal(error: Error) {
    throw error
  },
}

function optionsOf(dataDir: string): IngestOptions {
  return {
    dataDir,
    retention: {
      fleetDays: 3650,
      meteringDays: 3650,
      minuteDays: 90,
      hourDays: 365,
      rejectionDays: 30,
    },
    limits: { queryTimeoutMs: 10_000, queryConcurrency: 2, queryQueue: 10 },
    timezone: 'Europe/Copenhagen',
    lateSeconds: 60,
    errorsPerMinute: 6,
    batchBytes: 1_000_000,
    batchMs: 5,
    snapshotMs: 60_000,
    backupStallMs: 1000,
    logLevel: 'silent',
    journal: {
      segmentBytes: 1024 * 1024,
      windowMs: 1,
      lagBytes: 64 * 1024 * 1024,
      keepBytes: 64 * 1024 * 1024,
      keepHours: 1,
      freeBytes: 0,
      fault: 'none',
    },
  }
}

it('sub-devices are created while the batch waits, and none of its messages is rejected', async () => {
  const dir = temporaryDir('sub-devices')
  const log = createLog('silent')
  const path = join(dir.path, 'registry.db')
  const registry = openRegistry({
    path,
    clock: systemClock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_NAMES,
  })
  registry.tenants.create({ id: 'acme', name: 'Acme' })
  const settings = { createSubDevices: true }
  registry.devices.create({
    id: 'gw',
    tenant: 'acme',
    kind: 'gateway',
    format: 'traccar',
    settings,
  })
  const ingest = await openIngest(optionsOf(dir.path), EVENTS, {
    clock: systemClock,
    log,
    createSubDevices: (wanted) => createSubDevices(registry, wanted, log),
  })
  registry.onChange(() => ingest.registryChanged())
  const vehicles = ['352093081452251', '352093081452252', '352093081452253']
  try {
    for (let at = 0; at < 30; at += 1) {
      ingest.intake.accept(positionOf(vehicles[at % 3] ?? '', at), () => undefined)
    }
    const scope = { tenants: null, devices: null, kinds: null }
    const row = await waitFor(async () => {
      const rows = await ingest.port.ask('delivery', scope)
      const gateway = rows.find(({ device }) => device === 'acme.gw')
      return gateway?.accepted === 30 && gateway.pending === 0 ? gateway : null
    })
    expect(row).toMatchObject({ device: 'acme.gw', stored: 30, rejected: 0, duplicate: 0 })
    for (const one of await ingest.port.ask('delivery', scope)) {
      expect(one.accepted).toBe(one.stored + one.rejected + one.duplicate + one.pending)
    }
    const last = await ingest.port.ask('lastValues', scope)
    expect(last.map(({ device }) => device).toSorted()).toEqual(vehicles.map((id) => `acme.${id}`))
    expect(registry.devices.list()).toHaveLength(4)
  } finally {
    await ingest.close()
    registry.close()
    dir.remove()
  }
})

function positionOf(uniqueId: string, second: number) {
  const fixTime = Temporal.Instant.fromEpochNanoseconds(T0 + BigInt(second) * 1_000_000_000n)
  const position = { fixTime: fixTime.toString(), valid: true, latitude: 54.8, longitude: 9.3 }
  return {
    device: 'acme.gw',
    topic: 'padborg/v1/acme/gw/traccar',
    payload: Buffer.from(JSON.stringify({ position, device: { uniqueId } })),
    qos: 1,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: systemClock.nowNs(),
    receivedMonoNs: systemClock.monoNs(),
    origin: null,
  } as const
}
