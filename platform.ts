import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { systemClock } from '#lib/runtime/clock.ts'
import { problemLine, readConfig, type Config } from '#lib/runtime/config.ts'
import { adminKey, openDataDir } from '#lib/runtime/data-dir.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { createLifecycle, type Lifecycle } from '#lib/runtime/lifecycle.ts'
import { createLog, type Log } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { randomSecret } from '#lib/runtime/random.ts'
import { createDirectory } from '#lib/registry/directory.ts'
import { openRegistry } from '#lib/registry/open.ts'
import { createApp } from './api/app.ts'
import { createBroker } from './broker/broker.ts'
import { openIngest, type IngestOptions } from './ingest/open-ingest.ts'

const ROLES = ['broker', 'ingest', 'api']

export interface Settings {
  readonly config: Config | null
  readonly check: boolean
  /** One line per problem; empty when the platform can start. */
  readonly problems: readonly string[]
}

/** Arguments, `.env` in the working directory, and the environment (which wins). */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  const problems = args
    .filter((arg) => arg !== '--check' && !ROLES.includes(arg))
    .map((arg) => `argument ${arg}: expected --check or the roles ${ROLES.join(' ')}`)
  const roles = args.filter((arg) => ROLES.includes(arg))
  if (roles.length > 0 && roles.length < ROLES.length) {
    problems.push(
      `roles ${roles.join(' ')}: with PADBORG_STORE=duckdb: one process holds all roles; ` +
        'start without role arguments',
    )
  }
  const file = readEnvFile('.env')
  const { config, problems: faults } = readConfig({ ...file.values, ...env })
  return {
    config,
    check: args.includes('--check'),
    problems: [...problems, ...file.problems, ...faults.map(problemLine)],
  }
}

function readEnvFile(path: string): { values: NodeJS.Dict<string>; problems: readonly string[] } {
  if (!existsSync(path)) return { values: {}, problems: [] }
  try {
    const text = readFileSync(path, 'utf8')
    const problems = text.split('\n').flatMap((line, at) =>
      /^\s*(#.*|(export\s+)?[A-Za-z_]\w*\s*=.*)?$/.test(line)
        ? []
        : [`${path} line ${at + 1}: expected NAME=value or a # comment, got ${line.slice(0, 60)}`],
    )
    return { values: parseEnv(text), problems }
  } catch (error) {
    return { values: {}, problems: [`${path}: expected a readable text file, got: ${messageOf(error)}`] }
  }
}

export interface Surroundings {
  /** Standard output: the ready line. */
  print(line: string): void
  /** Standard error, for people. */
  tell(line: string): void
  exit(code: number): void
}

/**
 * Composes registry, ingest, broker and API, prints where they listen, and runs until a signal or a
 * failure. Resolves with the exit code when everything is closed.
 */
export async function runPlatform(config: Config, surroundings: Surroundings): Promise<number> {
  const log = createLog(config.PADBORG_LOG_LEVEL)
  const lifecycle = createLifecycle(log, { deadlineMs: config.PADBORG_SHUTDOWN_SECONDS * 1000 })
  lifecycle.onSignals(process, surroundings.exit)
  process.on('uncaughtException', (error) => lifecycle.fail('platform', error))
  process.on('unhandledRejection', (error) => lifecycle.fail('platform', error))
  try {
    await compose(config, { log, lifecycle, surroundings })
  } catch (error) {
    surroundings.tell(messageOf(error))
    await lifecycle.shutdown('the start failed')
    return 1
  }
  return lifecycle.closed
}

interface Frame {
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly surroundings: Surroundings
}

async function compose(config: Config, { log, lifecycle, surroundings }: Frame): Promise<void> {
  const clock = systemClock
  const dataDir = openDataDir(config.PADBORG_DATA_DIR, log)
  lifecycle.onClose('data directory', () => dataDir.close())
  if (config.PADBORG_FAULT !== 'none') {
    log.warn({ fault: config.PADBORG_FAULT }, 'PADBORG_FAULT breaks a promise on purpose: for tests only')
  }
  const registry = openRegistry({
    path: join(dataDir.path, 'registry.db'),
    clock,
    log,
    credentialOverlapHours: config.PADBORG_CREDENTIAL_OVERLAP_HOURS,
  })
  lifecycle.onClose('registry', () => registry.close())
  const admin = adminKey(dataDir.path, config.PADBORG_ADMIN_KEY)
  registry.keys.ensure(admin.key, { role: 'admin', tenant: null, name: 'first admin key' })

  const metrics = createMetrics()
  const ingest = await openIngest(
    ingestOptions(config, dataDir.path),
    {
      notices: (notices) => {
        for (const notice of notices) broker.notify(notice)
      },
      accepted: () => metrics.count('padborg_messages_accepted_total'),
      settled: ({ stored, duplicate, rejectedByReason }) => {
        metrics.count('padborg_messages_stored_total', stored)
        metrics.count('padborg_messages_duplicate_total', duplicate)
        for (const [reason, n] of Object.entries(rejectedByReason)) {
          metrics.count('padborg_messages_rejected_total', n, { reason })
        }
      },
      fatal: (error) => lifecycle.fail('ingest', error),
    },
    { clock, log },
  )
  lifecycle.onClose('ingest', () => ingest.close())
  registry.onChange(() => ingest.registryChanged())

  const directory = createDirectory(registry)
  const broker = await createBroker(
    { intake: ingest.intake, registry, directory, clock, log },
    brokerOptions(config, dataDir.path),
  )
  lifecycle.onClose('broker', () => broker.close())

  const token = randomSecret('pbl_')
  const app = await createApp(
    { port: ingest.port, registry, metrics, clock, log },
    { dataDir: dataDir.path },
  )
  lifecycle.onClose('api', () => app.close())
  const ports = await broker.listen()
  const http = await listenHttp(app, config)
  const addresses = { ...ports, ...(http === null ? {} : { http }) }
  dataDir.writeRunFile({ pid: process.pid, addresses, token })
  surroundings.print(JSON.stringify({ ready: true, pid: process.pid, ...addresses }))
  if (admin.isNew) {
    surroundings.tell(`Admin key (kept in ${join(config.PADBORG_DATA_DIR, 'admin-key')}): ${admin.key}`)
  }
}

function ingestOptions(config: Config, dataDir: string): IngestOptions {
  return {
    dataDir,
    retention: {
      fleetDays: config.PADBORG_RETENTION_FLEET_DAYS,
      meteringDays: config.PADBORG_RETENTION_METERING_DAYS,
      minuteDays: config.PADBORG_RETENTION_MINUTE_DAYS,
      hourDays: config.PADBORG_RETENTION_HOUR_DAYS,
      rejectionDays: config.PADBORG_RETENTION_REJECTION_DAYS,
    },
    limits: {
      queryTimeoutMs: config.PADBORG_QUERY_TIMEOUT_MS,
      queryConcurrency: config.PADBORG_QUERY_CONCURRENCY,
      queryQueue: config.PADBORG_QUERY_QUEUE,
    },
    timezone: config.PADBORG_TIMEZONE,
    lateSeconds: config.PADBORG_LATE_SECONDS,
    errorsPerMinute: config.PADBORG_ERRORS_PER_MINUTE,
    batchBytes: config.PADBORG_INGEST_BATCH_BYTES,
    batchMs: config.PADBORG_INGEST_BATCH_MS,
    snapshotMs: config.PADBORG_INGEST_SNAPSHOT_MS,
    logLevel: config.PADBORG_LOG_LEVEL,
    journal: {
      segmentBytes: config.PADBORG_JOURNAL_SEGMENT_BYTES,
      windowMs: config.PADBORG_JOURNAL_WINDOW_MS,
      lagBytes: config.PADBORG_JOURNAL_LAG_BYTES,
      keepBytes: config.PADBORG_JOURNAL_KEEP_BYTES,
      keepHours: config.PADBORG_RETENTION_JOURNAL_HOURS,
      freeBytes: config.PADBORG_JOURNAL_FREE_BYTES,
      fault: config.PADBORG_FAULT,
    },
  }
}
