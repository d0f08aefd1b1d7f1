import { join } from 'node:path'
import { openRegistry } from '#lib/registry/open.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { RfmsPoller } from '../../../ingest/sources/rfms/poller.ts'
import type { RfmsServer } from '../../../ingest/sources/rfms/servers-file.ts'
import { openTestIngest, storedTrucks } from './teltonika-ingest.ts'
import { FORMAT_NAMES } from '../../../ingest/formats/catalogue.ts'

/*
 * An ingest role alone in a process that asks an rFMS server. The parent gives options as the argument;
 * the program says when it runs, and what is stored when it is asked.
 */

export interface RfmsProcessOptions {
  readonly dataDir: string
  readonly server: RfmsServer
  /** Short id and VIN. */
  readonly devices: readonly (readonly [string, string])[]
}

async function run({ dataDir, server, devices }: RfmsProcessOptions): Promise<void> {
  const [log, clock] = [createLog('error'), systemClock]
  const path = join(dataDir, 'registry.db')
  const registry = openRegistry({
    path,
    clock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_NAMES,
  })
  const { tenant } = server
  if (!registry.tenants.get(tenant)) registry.tenants.create({ id: tenant, name: tenant })
  for (const [id, vin] of devices) {
    if (registry.devices.get(`${tenant}.${id}`)) continue
    registry.devices.create({ id, tenant, kind: 'truck', format: 'rfms', settings: { vin } })
  }
  const ingest = await openTestIngest(dataDir, 20)
  const { intake } = ingest
  const poller = new RfmsPoller(
    { server, dataDir, overlapMs: 500 },
    { intake, registry, clock, log },
  )
  process.on('message', () => {
    const { lagMessages } = ingest.status()
    void storedTrucks(ingest).then((rows) => process.send?.({ rows, lagMessages }))
  })
  process.once('disconnect', () => process.exit(1))
  await poller.start()
  process.send?.('ready')
}

await run(JSON.parse(process.argv[2] ?? '{}'))
