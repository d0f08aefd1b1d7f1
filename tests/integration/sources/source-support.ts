import { join } from 'node:path'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { NewDevice, Registry } from '#lib/registry/registry.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { MqttSource } from '../../../ingest/sources/mqtt/mqtt-source.ts'
import type { MqttSourceOptions } from '../../../ingest/sources/mqtt/options.ts'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { createTestIntake, type LogLine, type TestIntake } from '../broker/broker-support.ts'
import { FORMAT_NAMES } from '../../../ingest/formats/catalogue.ts'

export interface TestSource {
  readonly source: MqttSource
  readonly intake: TestIntake
  readonly registry: Registry
  readonly log: readonly LogLine[]
  said(text: string): boolean
  metric(name: string): Promise<number>
  device(id: string, more?: Partial<NewDevice>): void
  /** Started, connected and subscribed. */
  subscribed(): Promise<void>
  /** A new source of the same data directory, as after a restart. */
  again(): Promise<void>
  close(): Promise<void>
}

/** A source with a real registry and an intake that acknowledges when the test says so. */
export async function startSource(
  options: Partial<MqttSourceOptions> & { readonly url: string },
): Promise<TestSource> {
  const dir = temporaryDir('source')
  const log: LogLine[] = []
  const logger = createTestLog(log)
  const registry = openRegistry({
    path: join(dir.path, 'registry.db'),
    clock: systemClock,
    log: logger,
    credentialOverlapHours: 1,
    formats: FORMAT_NAMES,
  })
  const metrics = createMetrics()
  const directory = createDirectory(registry)
  let intake = createTestIntake()
  let source = open()

  function open(): MqttSource {
    return new MqttSource(
      {
        share: null,
        topics: null,
        dataDir: dir.path,
        maxPacketBytes: 64 * 1024,
        firstPauseMs: 20,
        maxPauseMs: 200,
        ...options,
      },
      {
        intake,
        registry,
        directory,
        metrics,
        clock: systemClock,
        log: logger,
      },
    )
  }

  return {
    get source() {
      return source
    },
    get intake() {
      return intake
    },
    registry,
    log,
    said: (text) => log.some((line) => line.text.includes(text)),
    async metric(name) {
      const { text } = await metrics.show()
      const line = text.split('\n').find((one) => one.startsWith(`${name} `))
      return line ? Number(line.slice(name.length)) : 0
    },
    device(id, more = {}) {
      const [tenant = '', short = ''] = id.split('.')
      if (!registry.tenants.get(tenant)) registry.tenants.create({ id: tenant, name: tenant })
      registry.devices.create({ id: short, tenant, kind: 'truck', ...more })
    },
    async subscribed() {
      await source.start()
      await waitFor(() => source.status().filters > 0, {
        what: `a subscription (${source.status().problem})`,
      })
    },
    async again() {
      await source.close()
      intake = createTestIntake()
      source = open()
    },
    async close() {
      intake.settle()
      await source.close()
      registry.close()
      dir.remove()
    },
  }
}

export function createTestLog(lines: LogLine[]): Log {
  const writer = (level: string) => (fields: object | string, text?: string) => {
    if (typeof fields === 'string') lines.push({ level, fields: {}, text: fields })
    else lines.push({ level, fields: { ...fields }, text: text ?? '' })
  }
  const levels = ['trace', 'debug', 'info', 'warn', 'error']
  // Of a log only these five are used.
  return Object.fromEntries(levels.map((level) => [level, writer(level)])) as unknown as Log
}
