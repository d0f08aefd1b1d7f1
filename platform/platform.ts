import { join } from 'node:path'
import { openRegistry } from '#lib/registry/open.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { adminKey, openDataDir } from '#lib/runtime/data-dir.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { createLifecycle, type Lifecycle } from '#lib/runtime/lifecycle.ts'
import { createLog, type Log } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { tryPorts } from '#lib/runtime/network/try-ports.ts'
import { randomSecret } from '#lib/runtime/random.ts'
import type { Role } from '#lib/runtime/settings/roles.ts'
import type { Config } from '#lib/runtime/settings/sections.ts'
import { composeApi } from './api.ts'
import { composeIntake } from './intake.ts'
import { registryDir, registryOptions } from './options.ts'
import type { PlatformParts } from './parts.ts'

/** What to run: valid settings, and the roles of this process. */
export interface RunPlan {
  readonly config: Config
  readonly roles: ReadonlySet<Role>
}

export interface ProcessIo {
  /** Standard output: the ready line. */
  print(line: string): void
  /** Standard error, for people. */
  printError(line: string): void
  exit(code: number): void
}

/**
 * Composes the roles of this process, prints where they listen, and runs until a signal or a
 * failure. Resolves with the exit code when everything is closed.
 */
export async function runPlatform(plan: RunPlan, io: ProcessIo): Promise<number> {
  const { logLevel, shutdownMs } = plan.config.platform
  const log = createLog(logLevel)
  const start = Promise.withResolvers<void>()
  const lifecycle = createLifecycle(log, { deadlineMs: shutdownMs, started: start.promise })
  lifecycle.onSignals(process, (code) => io.exit(code))
  process.on('uncaughtException', (error) => lifecycle.fail('platform', error))
  process.on('unhandledRejection', (error) => lifecycle.fail('platform', error))
  try {
    await compose(plan, { log, lifecycle, io })
    start.resolve()
  } catch (error) {
    start.resolve()
    io.printError(messageOf(error))
    await lifecycle.shutdown('the start failed')
    return 1
  }
  return lifecycle.closed
}

interface StartContext {
  readonly log: Log
  readonly lifecycle: Lifecycle
  readonly io: ProcessIo
}

/** How often the platform checks whether another process has changed the registry. */
const REGISTRY_POLL_MS = 100

async function compose({ config, roles }: RunPlan, context: StartContext): Promise<void> {
  const { log, lifecycle, io } = context
  const clock = systemClock
  // Before anything is made: a port that is taken must leave nothing behind.
  await tryPorts(config.listeners.host, portsOf(config, roles))
  const dataDir = openDataDir(ownDir(config, roles), log)
  lifecycle.onClose('data directory', () => dataDir.close())
  warnOfFault(config, log)
  const registry = openRegistry({
    ...registryOptions(config),
    clock,
    log,
    pollMs: REGISTRY_POLL_MS,
  })
  lifecycle.onClose('registry', () => registry.close())
  const admin = roles.has('api') ? adminKey(registryDir(config), config.platform.adminKey) : null
  if (admin) {
    registry.keys.ensure(admin.key, { role: 'admin', tenant: null, name: 'first admin key' })
  }

  const metrics = createMetrics()
  const localToken = randomSecret('pbl_')
  const parts: PlatformParts = { config, dataDir, registry, metrics, lifecycle, clock, log }
  const intake = roles.has('ingest') ? await composeIntake(parts) : null
  const ingest = intake?.ingest ?? null
  const api = roles.has('api') ? await composeApi(parts, { ingest, localToken }) : null
  const addresses = { ...(await intake?.listen()), ...(await api?.listen()) }
  dataDir.writeRunFile({ pid: process.pid, addresses, token: localToken })
  io.print(JSON.stringify({ ready: true, pid: process.pid, ...addresses }))
  if (admin?.isNew) {
    const path = join(registryDir(config), 'admin-key')
    io.printError(`Admin key (kept in ${path}): ${admin.key}`)
  }
}

/** The ports that the roles of this process will open, by their settings. */
function portsOf(
  { listeners, teltonika, splitRoles, foreignBroker }: Config,
  roles: ReadonlySet<Role>,
): Readonly<Record<string, number | 'off'>> {
  const { mqtt, mqtts, mqttWs, http } = listeners
  const hasBroker = roles.has('broker') && foreignBroker.url === undefined
  return {
    ...(hasBroker
      ? { PADBORG_MQTT_PORT: mqtt, PADBORG_MQTTS_PORT: mqtts, PADBORG_MQTT_WS_PORT: mqttWs }
      : {}),
    ...(roles.has('ingest')
      ? { PADBORG_TELTONIKA_PORT: teltonika.port, PADBORG_INGEST_PORT: splitRoles.ingestPort }
      : {}),
    ...(roles.has('api') ? { PADBORG_HTTP_PORT: http } : {}),
  }
}

/**
 * An api role alone locks a folder of its own, so that it may share the data directory, and in it the
 * registry, with the intake of the same machine.
 */
function ownDir({ platform }: Config, roles: ReadonlySet<Role>): string {
  return roles.has('ingest') ? platform.dataDir : join(platform.dataDir, 'api')
}

function warnOfFault({ platform: { fault } }: Config, log: Log): void {
  if (fault === 'none') return
  log.warn({ fault }, 'PADBORG_FAULT breaks a promise on purpose: for tests only')
}
