import { join } from 'node:path'
import { openRegistry } from '#lib/registry/open.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { TeltonikaListener } from '../../../ingest/sources/teltonika/listener.ts'
import { openTestIngest, storedTrucks } from './teltonika-ingest.ts'
import { FORMAT_NAMES } from '../../../ingest/formats/catalogue.ts'

/*
 * An ingest role alone in a process, fed by trackers over TCP. The parent gives options as the
 * argument; the program says its port, and what is stored when it is asked.
 */

export interface TeltonikaProcessOptions {
  readonly dataDir: string
  readonly port: number
  /** Full id and IMEI. */
  readonly devices: readonly (readonly [string, string])[]
  readonly windowMs: number
}

async function run({ dataDir, port, devices, windowMs }: TeltonikaProcessOptions): Promise<void> {
  const [log, clock] = [createLog('warn'), systemClock]
  const path = join(dataDir, 'registry.db')
  const registry = openRegistry({
    path,
    clock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_NAMES,
  })
  for (const [id, imei] of devices) {
    const [tenant = '', short = ''] = id.split('.')
    if (!registry.tenants.get(tenant)) registry.tenants.create({ id: tenant, name: tenant })
    if (registry.devices.get(id)) continue
    const format = 'teltonika-codec8'
    registry.devices.create({ id: short, tenant, kind: 'truck', format, settings: { imei } })
  }
  const ingest = await openTestIngest(dataDir, windowMs)
  const listener = new TeltonikaListener(
    { host: '127.0.0.1', port },
    { intake: ingest.intake, registry, clock, log, refused: () => undefined },
  )
  process.on('message', () => {
    const { lagMessages } = ingest.status()
    void storedTrucks(ingest).then((rows) => process.send?.({ rows, lagMessages }))
  })
  process.once('disconnect', () => process.exit(1))
  process.send?.(await listener.listen())
}

await run(JSON.parse(process.argv[2] ?? '{}'))
