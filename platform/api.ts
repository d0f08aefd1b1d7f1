import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pseudonymSecret } from '#lib/runtime/data-dir.ts'
import type { Config } from '#lib/runtime/settings/sections.ts'
import { listenFailed } from '#lib/runtime/network/listen-failed.ts'
import type { AppDeps } from '../api/api.ts'
import { createApp } from '../api/app.ts'
import { mergedPort } from '../api/intake-client/merged-port.ts'
import { connectIntake } from '../api/intake-client/remote-intake.ts'
import { ownIntake } from '../api/intake-client/intakes.ts'
import type { Ingest } from '../ingest/open-ingest.ts'
import packageFile from '../package.json' with { type: 'json' }
import { registryDir } from './options.ts'
import type { PlatformParts, Ports } from './parts.ts'

export interface ApiRole {
  /** The real port, where the listener is not off. */
  listen(): Promise<Ports>
}

/** The api role: on the intake of this process, or on those at PADBORG_INGEST_URL. */
export async function composeApi(
  parts: PlatformParts,
  { ingest, localToken }: { readonly ingest: Ingest | null; readonly localToken: string },
): Promise<ApiRole> {
  const { config, registry, metrics, lifecycle, clock, log } = parts
  const data = ingest ? ownPort(ingest) : remotePort(parts)
  const app = await createApp(
    { ...data, registry, metrics, clock, log },
    {
      ...config.api,
      liveLimits: config.live,
      timezone: config.ingest.timezone,
      localToken,
      // Beside the registry: all processes that share it show the same names.
      pseudonymSecret: pseudonymSecret(registryDir(config)),
      version: packageFile.version,
    },
  )
  lifecycle.onClose('api', () => app.close())
  // Closed before the API, which waits for answers that are still being sent.
  if (ingest) lifecycle.onClose('backups', () => ingest.backups.close())
  return { listen: () => listenHttp(app, config.listeners) }
}

/** How the API reaches the data. */
type DataAccess = Pick<AppDeps, 'port' | 'intakes' | 'backups'>

function ownPort({ port, live, backups }: Ingest): DataAccess {
  return { port, intakes: [ownIntake(port, live)], backups }
}

function remotePort({
  config,
  dataDir,
  metrics,
  lifecycle,
  clock,
  log,
}: PlatformParts): DataAccess {
  const { ingestUrls: urls = [], secret = '' } = config.splitRoles
  const exportDir = join(dataDir.path, 'export')
  // Files that a crash left there are of no use.
  rmSync(exportDir, { recursive: true, force: true })
  mkdirSync(exportDir, { mode: 0o700 })
  const intakes = urls.map((url) => connectIntake({ url, secret, exportDir }, { clock, log }))
  lifecycle.onClose('intakes', () => intakes.forEach((intake) => intake.close()))
  metrics.gauge('padborg_intakes', () => intakes.length)
  metrics.gauge('padborg_intakes_unreachable', () => intakes.filter((one) => one.problem()).length)
  const [only, ...more] = intakes
  // A backup is of one journal: with several intakes each is backed up where it runs.
  const backups = only && more.length === 0 ? { backups: only.backups } : {}
  return { port: mergedPort(intakes), intakes, ...backups }
}

/** Throws LISTEN_FAILED. */
async function listenHttp(
  app: FastifyInstance,
  { host, http: port }: Config['listeners'],
): Promise<Ports> {
  if (port === 'off') return {}
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw listenFailed('PADBORG_HTTP_PORT', { host, port }, error)
  }
  const address = app.server.address()
  return { http: typeof address === 'object' && address ? address.port : port }
}
