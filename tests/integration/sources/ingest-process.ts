import { join } from 'node:path'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { openRegistry } from '#lib/registry/open.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import type { RowsOf } from '#lib/queries/catalogue.ts'
import type { QueryResult } from '#lib/queries/query.ts'
import { queryResult } from '../../support/query-rows.ts'
import { openIngest } from '../../../ingest/open-ingest.ts'
import { MqttSource } from '../../../ingest/sources/mqtt/mqtt-source.ts'
import { UNWATCHED, ingestOptionsFor } from '../../support/ingest-options.ts'
import { FORMAT_NAMES } from '../../../ingest/formats/catalogue.ts'

/*
 * An ingest role alone in a process: real registry, journal, worker and embedded store, fed by a
 * foreign broker. The parent gives options as the argument and asks over IPC.
 */

export interface ProcessOptions {
  readonly dataDir: string
  readonly url: string
  readonly share: string | null
  readonly devices: readonly string[]
  /** Between two group commits. */
  readonly windowMs: number
}

export type ProcessQuestion = 'status' | 'stored'

async function run(options: ProcessOptions): Promise<void> {
  const { dataDir, url, share, devices } = options
  const log = createLog('warn')
  const clock = systemClock
  const path = join(dataDir, 'registry.db')
  const registry = openRegistry({
    path,
    clock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_NAMES,
  })
  for (const id of devices) {
    const [tenant = '', short = ''] = id.split('.')
    if (!registry.tenants.get(tenant)) registry.tenants.create({ id: tenant, name: tenant })
    if (!registry.devices.get(id)) registry.devices.create({ id: short, tenant, kind: 'truck' })
  }
  let source: MqttSource | null = null
  const ingest = await openIngest(
    ingestOptionsFor(dataDir, { PADBORG_JOURNAL_WINDOW_MS: String(options.windowMs) }),
    { ...UNWATCHED, notices: (notices) => notices.forEach((notice) => source?.notify(notice)) },
    { clock, log },
  )
  source = new MqttSource(
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
  const running = source
  process.on('message', (question: ProcessQuestion) => {
    if (question === 'status') {
      const { durable, lagMessages } = ingest.status()
      const cpu = process.cpuUsage()
      process.send?.({
        ...running.status(),
        durable,
        lagMessages,
        cpuS: (cpu.user + cpu.system) / 1e6,
      })
    } else void stored().then((rows) => process.send?.(rows))
  })
  process.once('SIGTERM', () => {
    void running
      .close()
      .then(() => ingest.close())
      .then(() => registry.close())
      .then(() => process.exit(0))
  })
  // A child that outlives its parent would keep the session at the broker.
  process.once('disconnect', () => process.exit(1))
  await running.start()
  process.send?.('ready')

  /** `<device> <seq>` of everything in the store, as often as it is there. */
  async function stored(): Promise<string[]> {
    const rows: string[] = []
    let cursor: string | null = null
    do {
      const page: QueryResult<RowsOf<'readings'>[number]> = await queryResult(
        ingest.port,
        'readings',
        {
          fromNs: clock.nowNs() - 3_600_000_000_000n,
          toNs: clock.nowNs() + 3_600_000_000_000n,
          scope: ALL,
          kind: 'truck',
          fields: [],
          hasFields: false,
          everyNs: null,
          order: 'asc',
          limit: 10_000,
          cursor,
        },
      )
      for (const row of page.rows) if ('seq' in row) rows.push(`${row.device} ${row.seq}`)
      cursor = page.next ?? null
    } while (cursor !== null)
    return rows
  }
}

await run(JSON.parse(process.argv[2] ?? '{}'))
