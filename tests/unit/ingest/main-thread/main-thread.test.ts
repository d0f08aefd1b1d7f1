import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openRegistry } from '#lib/registry/open.ts'
import { createSubDevices } from '#lib/registry/sub-devices.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openIngest } from '../../../../ingest/open-ingest.ts'
import { UNWATCHED, ingestOptionsFor } from '../../../support/ingest-options.ts'
import { T0 } from '../../../support/messages.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { FORMAT_LIST } from '../../../../ingest/formats/catalogue.ts'
import { queryRows } from '../../../support/query-rows.ts'

/** The messages of this test are of 2025. */
const KEEP_OLD = { PADBORG_RETENTION_FLEET_DAYS: '3650' }

/** The port between the worker, which only reads the registry, and the thread that writes it. */
it('sub-devices are created while the batch waits, and none of its messages is rejected', async () => {
  const dir = temporaryDir('sub-devices')
  const log = createLog('silent')
  const path = join(dir.path, 'registry.db')
  const registry = openRegistry({
    path,
    clock: systemClock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_LIST,
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
  const ingest = await openIngest(ingestOptionsFor(dir.path, KEEP_OLD), UNWATCHED, {
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
      const rows = await queryRows(ingest.port, 'delivery', { scope })
      const gateway = rows.find(({ device }) => device === 'acme.gw')
      return gateway?.accepted === 30 && gateway.pending === 0 ? gateway : null
    })
    expect(row).toMatchObject({ device: 'acme.gw', stored: 30, rejected: 0, duplicate: 0 })
    for (const one of await queryRows(ingest.port, 'delivery', { scope })) {
      expect(one.accepted).toBe(one.stored + one.rejected + one.duplicate + one.pending)
    }
    const last = await queryRows(ingest.port, 'lastValues', { scope })
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
