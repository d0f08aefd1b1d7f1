import { createDirectory } from '#lib/registry/topics/directory.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { MqttSource, type MqttSourceStatus } from '../../../../ingest/sources/mqtt/mqtt-source.ts'
import { registryIn } from '../../../support/registry-in.ts'
import { openTestIngest, registerOnce, storedTrucks } from '../test-ingest.ts'

/*
 * An ingest role alone in a process: real registry, journal, worker and embedded store, fed by a
 * foreign broker. The parent gives options as the argument and sends requests over IPC: `status`, or
 * `stored` for `<device> <seq>` of each reading.
 */

export interface MqttProcessOptions {
  readonly dataDir: string
  readonly url: string
  readonly share: string | null
  readonly devices: readonly string[]
  /** Between two group commits. */
  readonly windowMs: number
}

export type MqttProcessStatus = MqttSourceStatus & { readonly lagMessages: number }

async function run({ dataDir, url, share, devices, windowMs }: MqttProcessOptions): Promise<void> {
  const [log, clock] = [createLog('warn'), systemClock]
  const registry = registryIn(dataDir, log)
  registerOnce(
    registry,
    devices.map((id) => [id, {}]),
    'native',
  )
  const ingest = await openTestIngest(dataDir, windowMs, {
    notices: (notices) => notices.forEach((notice) => source.notify(notice)),
  })
  const source = new MqttSource(
    { url, share, topics: null, dataDir, maxPacketBytes: 256 * 1024, maxPauseMs: 500 },
    {
      intake: ingest.intake,
      registry,
      directory: createDirectory(registry),
      metrics: createMetrics(),
      clock,
      log,
    },
  )
  process.on('message', (request: 'status' | 'stored') => {
    if (request === 'status') {
      const { lagMessages } = ingest.status()
      process.send?.({ ...source.status(), lagMessages } satisfies MqttProcessStatus)
    } else {
      const rows = storedTrucks(ingest, ({ device, seq }) => `${device} ${seq}`)
      void rows.then((keys) => process.send?.(keys))
    }
  })
  // A child that outlives its parent would keep the session at the broker.
  process.once('disconnect', () => process.exit(1))
  await source.start()
  process.send?.('ready')
}

await run(JSON.parse(process.argv[2] ?? '{}'))
