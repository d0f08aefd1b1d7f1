import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { RfmsPoller } from '../../../../ingest/sources/rfms/poller.ts'
import type { RfmsServer } from '../../../../ingest/sources/rfms/servers-file.ts'
import { registryIn } from '../../../support/registry-in.ts'
import { answerStored, openTestIngest, registerOnce } from '../test-ingest.ts'

/*
 * An ingest role alone in a process that polls an rFMS server. The parent gives options as the argument;
 * the program reports when it runs, and on request what is stored.
 */

export interface RfmsProcessOptions {
  readonly dataDir: string
  readonly server: RfmsServer
  /** Full id and VIN. */
  readonly devices: readonly (readonly [string, string])[]
}

async function run({ dataDir, server, devices }: RfmsProcessOptions): Promise<void> {
  const [log, clock] = [createLog('error'), systemClock]
  const registry = registryIn(dataDir, log)
  registerOnce(
    registry,
    devices.map(([id, vin]) => [id, { vin }]),
    'rfms',
  )
  const ingest = await openTestIngest(dataDir, 20)
  const { intake } = ingest
  const poller = new RfmsPoller(
    { server, dataDir, overlapMs: 500 },
    { intake, registry, clock, log },
  )
  answerStored(ingest)
  await poller.start()
  process.send?.('ready')
}

await run(JSON.parse(process.argv[2] ?? '{}'))
