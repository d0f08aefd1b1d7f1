import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { systemClock } from '#lib/runtime/clock.ts'
import { problemLine, readConfig } from '#lib/runtime/config.ts'
import type { Config } from '#lib/runtime/settings/sections.ts'
import { adminKey, openDataDir } from '#lib/runtime/data-dir.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { createLifecycle, type Lifecycle } from '#lib/runtime/lifecycle.ts'
import { createLog, type Log } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { randomSecret } from '#lib/runtime/random.ts'
import { ROLES, chooseRoles, isRole, type Role } from '#lib/runtime/settings/roles.ts'
import { openRegistry } from '#lib/registry/open.ts'
import { composeApi } from './api.ts'
import { registryProblems } from './check.ts'
import { composeIntake, type Parts } from './intake.ts'
import { registryDir, registryOptions } from './options.ts'

export interface Settings {
  readonly config: Config | null
  readonly roles: ReadonlySet<Role>
  readonly check: boolean
  /** One line per problem; empty when the platform can start. */
  readonly problems: readonly string[]
}

/** Arguments, `.env` in the working directory, and the environment (which wins). */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  const words = args.filter((arg) => arg !== '--check')
  const strange = words
    .filter((word) => !isRole(word))
    .map((word) => `argument ${word}: expected --check or the roles ${ROLES.join(' ')}`)
  const file = readEnvFile('.env')
  const all = { ...file.values, ...env }
  const chosen = chooseRoles(words.filter(isRole), all)
  const { config, problems } = readConfig(all)
  const check = args.includes('--check')
  const beyond = check && config ? registryProblems(config) : []
  const lines = [...file.problems, ...problems.map(problemLine), ...beyond]
  return {
    config,
    roles: chosen.roles,
    check,
    problems: [...strange, ...chosen.problems, ...lines],
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
 * Composes the roles of this process, prints where they listen, and runs until a signal or a
 * failure. Resolves with the exit code when everything is closed.
 */
export async function runPlatform(
  { config, roles }: { readonly config: Config; readonly roles: ReadonlySet<Role> },
  surroundings: Surroundings,
): Promise<number> {
  const log = createLog(config.platform.logLevel)
  const start = Promise.withResolvers<void>()
  const lifecycle = createLifecycle(log, {
    deadlineMs: config.platform.shutdownMs,
    started: start.promise,
  })
  lifecycle.onSignals(process, (code) => surroundings.exit(code))
  process.on('uncaughtException', (error) => lifecycle.fail('platform', error))
  process.on('unhandledRejection', (error) => lifecycle.fail('platform', error))
  try {
    await compose(config, roles, { log, lifecycle, surroundings })
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

/** How often it is looked whether another process has changed the registry. */
const REGISTRY_POLL_MS = 100

async function compose(
  config: Config,
  roles: ReadonlySet<Role>,
  { log, lifecycle, surroundings }: Frame,
): Promise<void> {
  const clock = systemClock
  const dataDir = openDataDir(ownDir(config, roles), log)
  lifecycle.onClose('data directory', () => dataDir.close())
  if (config.platform.fault !== 'none') {
    log.warn(
      { fault: config.platform.fault },
      'PADBORG_FAULT breaks a promise on purpose: for tests only',
    )
  }
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
  const parts: Parts = { config, roles, dataDir, registry, metrics, lifecycle, clock, log }
  const intake = roles.has('ingest') ? await composeIntake(parts) : null
  const ingest = intake?.ingest ?? null
  const api = roles.has('api') ? await composeApi(parts, { ingest, localToken }) : null
  const addresses = { ...(await intake?.listen()), ...(await api?.listen()) }
  dataDir.writeRunFile({ pid: process.pid, addresses, token: localToken })
  surroundings.print(JSON.stringify({ ready: true, pid: process.pid, ...addresses }))
  if (admin?.isNew) {
    const path = join(registryDir(config), 'admin-key')
    surroundings.tell(`Admin key (kept in ${path}): ${admin.key}`)
  }
}

/**
 * An api role alone locks a folder of its own, so that it may share the data directory, and in it the
 * registry, with the intake of the same machine.
 */
function ownDir({ platform: { dataDir: dir } }: Config, roles: ReadonlySet<Role>): string {
  return roles.has('ingest') ? dir : join(dir, 'api')
}
