import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { TeltonikaListener } from '../../../../ingest/sources/teltonika/listener.ts'
import { registryIn } from '../../../support/registry-in.ts'
import { answerStored, openTestIngest, registerOnce } from '../test-ingest.ts'

/*
 * An ingest role alone in a process, fed by trackers over TCP. The parent gives options as the
 * argument; the program reports its port, and on request what is stored.
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
  const registry = registryIn(dataDir, log)
  registerOnce(
    registry,
    devices.map(([id, imei]) => [id, { imei }]),
    'teltonika-codec8',
  )
  const ingest = await openTestIngest(dataDir, windowMs)
  const listener = new TeltonikaListener(
    { host: '127.0.0.1', port },
    { intake: ingest.intake, registry, clock, log, refused: () => undefined },
  )
  answerStored(ingest)
  process.send?.(await listener.listen())
}

await run(JSON.parse(process.argv[2] ?? '{}'))
