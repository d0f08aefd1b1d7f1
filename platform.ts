import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { systemClock } from '#lib/runtime/clock.ts'
import { problemLine, readConfig, type Config } from '#lib/runtime/config.ts'
import { adminKey, openDataDir, pseudonymSecret } from '#lib/runtime/data-dir.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { createLifecycle, type Lifecycle } from '#lib/runtime/lifecycle.ts'
import { createLog, type Log } from '#lib/runtime/log.ts'
import { createMetrics, type Metrics } from '#lib/runtime/metrics.ts'
import { randomSecret } from '#lib/runtime/random.ts'
import { createDirectory } from '#lib/registry/directory.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { LiveLimits } from './api/api.ts'
import { createApp } from './api/app.ts'
import { createBroker, type BrokerOptions } from './broker/broker.ts'
import {
  openIngest,
  type Ingest,
  type IngestOptions,
  type SettledCounts,
} from './ingest/open-ingest.ts'
import packageFile from './package.json' with { type: 'json' }

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
    const problems = text
      .split('\n')
      .flatMap((line, at) =>
        /^\s*(#.*|(export\s+)?[A-Za-z_]\w*\s*=.*)?$/.test(line)
          ? []
          : [
              `${path} line ${at + 1}: expected NAME=value or a # comment, got ${line.slice(0, 60)}`,
            ],
      )
    return { values: parseEnv(text), problems }
  } catch (error) {
    return {
      values: {},
      problems: [`${path}: expected a readable text file, got: ${messageOf(error)}`],
    }
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
  const start = Promise.withResolvers<void>()
  const lifecycle = createLifecycle(log, {
    deadlineMs: config.PADBORG_SHUTDOWN_SECONDS * 1000,
    started: start.promise,
  })
  lifecycle.onSignals(process, (code) => surroundings.exit(code))
  process.on('uncaughtException', (error) => lifecycle.fail('platform', error))
  process.on('unhandledRejection', (error) => lifecycle.fail('platform', error))
  try {
    await compose(config, { log, lifecycle, surroundings })
    start.resolve()
  } catch (error) {
    start.resolve()
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
    log.warn(
      { fault: config.PADBORG_FAULT },
      'PADBORG_FAULT breaks a promise on purpose: for tests only',
    )
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
      // The broker exists before the first message can be settled: it is what lets them in.
      notices: (notices) => notices.forEach((notice) => broker?.notify(notice)),
      accepted: () => metrics.count('padborg_messages_accepted_total'),
      settled: (counts) => countSettled(metrics, counts),
      fatal: (error) => lifecycle.fail('ingest', error),
    },
    { clock, log },
  )
  lifecycle.onClose('ingest', () => ingest.close())
  registry.onChange(() => ingest.registryChanged())
  showIngest(metrics, ingest)

  const directory = createDirectory(registry)
  const broker = await createBroker(
    { intake: ingest.intake, registry, directory, metrics, clock, log },
    brokerOptions(config, dataDir.path),
  )
  lifecycle.onClose('broker', () => broker.close())

  const localToken = randomSecret('pbl_')
  const app = await createApp(
    {
      port: ingest.port,
      live: ingest.live,
      backups: ingest.backups,
      registry,
      metrics,
      clock,
      log,
    },
    {
      readyLagMs: config.PADBORG_READY_LAG_SECONDS * 1000,
      liveLimits: liveLimits(config),
      localToken,
      exportMaxRows: config.PADBORG_EXPORT_MAX_ROWS,
      pseudonymSecret: pseudonymSecret(dataDir.path),
      version: packageFile.version,
    },
  )
  lifecycle.onClose('api', () => app.close())
  // Before the API, which waits for answers that are still being sent.
  lifecycle.onClose('backups', () => ingest.backups.close())
  const ports = await broker.listen()
  const http = await listenHttp(app, config)
  const addresses = { ...ports, ...(http === null ? {} : { http }) }
  dataDir.writeRunFile({ pid: process.pid, addresses, token: localToken })
  surroundings.print(JSON.stringify({ ready: true, pid: process.pid, ...addresses }))
  if (admin.isNew) {
    surroundings.tell(
      `Admin key (kept in ${join(config.PADBORG_DATA_DIR, 'admin-key')}): ${admin.key}`,
    )
  }
}

function countSettled(metrics: Metrics, counts: SettledCounts): void {
  metrics.count('padborg_messages_stored_total', counts.stored)
  metrics.count('padborg_messages_duplicate_total', counts.duplicate)
  for (const [reason, n] of Object.entries(counts.rejectedByReason)) {
    metrics.count('padborg_messages_rejected_total', n, { reason })
  }
}

function showIngest(metrics: Metrics, ingest: Ingest): void {
  const { journal } = ingest
  metrics.gauge('padborg_journal_held', () => (journal.held ? 1 : 0))
  metrics.gauge('padborg_journal_bytes', () => journal.status().bytes)
  metrics.gauge('padborg_journal_pending_messages', () => journal.status().pendingMessages)
  metrics.gauge('padborg_journal_syncs_total', () => journal.status().syncs)
  metrics.gauge('padborg_journal_failed_syncs_total', () => journal.status().failedSyncs)
  metrics.gauge('padborg_writer_lag_messages', () => ingest.status().lagMessages)
  metrics.gauge('padborg_writer_lag_seconds', () => ingest.status().lagMs / 1000)
  metrics.gauge('padborg_problems', () => ingest.status().problems.length)
}

/** The port it listens on; null when the listener is off. Throws LISTEN_FAILED. */
async function listenHttp(app: FastifyInstance, config: Config): Promise<number | null> {
  const { PADBORG_HTTP_PORT: port, PADBORG_HOST: host } = config
  if (port === 'off') return null
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw new PlatformError(
      'LISTEN_FAILED',
      `PADBORG_HTTP_PORT=${port}: cannot listen on ${host} (${messageOf(error)}); stop what uses the ` +
        'port, or set PADBORG_HTTP_PORT to another one (0 takes any free port)',
      { cause: error },
    )
  }
  const address = app.server.address()
  return typeof address === 'object' && address ? address.port : port
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
    backupStallMs: config.PADBORG_BACKUP_STALL_SECONDS * 1000,
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

function liveLimits(config: Config): LiveLimits {
  return {
    viewers: config.PADBORG_LIVE_VIEWERS,
    viewersPerKey: config.PADBORG_LIVE_VIEWERS_PER_KEY,
    queue: config.PADBORG_LIVE_QUEUE,
    horizonMs: config.PADBORG_LIVE_HORIZON_SECONDS * 1000,
    heartbeatMs: config.PADBORG_LIVE_HEARTBEAT_SECONDS * 1000,
  }
}

function brokerOptions(config: Config, dataDir: string): BrokerOptions {
  const { PADBORG_TLS_CERT: cert, PADBORG_TLS_KEY: key } = config
  return {
    host: config.PADBORG_HOST,
    ports: {
      mqtt: config.PADBORG_MQTT_PORT,
      mqtts: config.PADBORG_MQTTS_PORT,
      mqttWs: config.PADBORG_MQTT_WS_PORT,
    },
    tls: cert && key ? { cert, key, clientCa: config.PADBORG_TLS_CLIENT_CA ?? null } : null,
    databasePath: join(dataDir, 'broker.db'),
    maxPacketBytes: config.PADBORG_MQTT_MAX_PACKET_BYTES,
    maxConnections: config.PADBORG_MQTT_MAX_CONNECTIONS,
    maxInFlight: config.PADBORG_MQTT_MAX_IN_FLIGHT,
    maxInFlightPerClient: config.PADBORG_MQTT_MAX_IN_FLIGHT_PER_CLIENT,
    maxTopicLevels: config.PADBORG_MQTT_MAX_TOPIC_LEVELS,
    maxOfflineMessages: config.PADBORG_MQTT_MAX_OFFLINE_MESSAGES,
    maxRatePerDevice: config.PADBORG_MQTT_MAX_RATE_PER_DEVICE,
    socketBufferBytes: config.PADBORG_MQTT_SOCKET_BUFFER_BYTES,
    drainTimeoutMs: config.PADBORG_MQTT_DRAIN_TIMEOUT_MS,
    connectTimeoutMs: config.PADBORG_MQTT_CONNECT_TIMEOUT_MS,
  }
}
