import type { FastifyInstance } from 'fastify'
import { join } from 'node:path'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { createMetrics, type Metrics } from '#lib/runtime/metrics.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { Registry } from '#lib/registry/registry.ts'
import { ROLES, type Role } from '#lib/access/policy.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { AppOptions } from '../../../api/api.ts'
import { createApp } from '../../../api/app.ts'
import { ownIntake } from '../../../api/intake-client/intakes.ts'
import { appOptionsFor } from '../../support/app-options.ts'
import { temporaryDir } from '../../support/platform.ts'
import { createMemoryPort, type MemoryPort, type MemoryRows } from './memory-port.ts'
import { NOON_NS } from './rows.ts'
import { FORMAT_LIST } from '../../../ingest/formats/catalogue.ts'

export const LOCAL_TOKEN = 'pbl_the-token-of-this-machine'

export interface TestRequest {
  readonly role?: Role
  /** Sent as it is; null sends none. */
  readonly key?: string | null
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  // Tests say what they expect of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

export interface TestApp {
  readonly app: FastifyInstance
  readonly registry: Registry
  readonly port: MemoryPort
  readonly metrics: Metrics
  /** A key of each role; those of a tenant belong to acme. */
  readonly keys: Readonly<Record<Role, string>>
  readonly clock: { nowNs: bigint }
  readonly logged: { readonly level: string; readonly fields: unknown }[]
  /** Below /api/v1 unless the path starts elsewhere; as admin unless said otherwise. */
  request(path: string, options?: TestRequest): Promise<TestResponse>
  close(): Promise<void>
}

/**
 * The API on a real registry: tenants acme (truck t1, meter h1) and beta (truck t1, meter h1), and
 * an ingest role in memory.
 */
export async function createTestApp(
  rows: Partial<MemoryRows> = {},
  options: Partial<AppOptions> = {},
): Promise<TestApp> {
  const dir = temporaryDir('api')
  const turned = { nowNs: NOON_NS }
  const clock: Clock = { nowNs: () => turned.nowNs, monoNs: () => turned.nowNs }
  const { log, logged } = memoryLog()
  const path = join(dir.path, 'registry.db')
  const registry = openRegistry({
    path,
    clock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_LIST,
  })
  const keys = populate(registry)
  const port = createMemoryPort(rows)
  const metrics = createMetrics()
  const app = await createApp(
    { port, intakes: [ownIntake(port, QUIET)], registry, metrics, clock, log },
    appOptionsFor({ localToken: LOCAL_TOKEN, ...options }),
  )
  const parts = { app, registry, port, metrics, keys, clock: turned, logged }
  return {
    ...parts,
    request: (path, options) => request(parts, path, options),
    async close() {
      await app.close()
      registry.close()
      dir.remove()
    },
  }
}

/** Ends every stream at once, so that a request for one ends. */
const QUIET: LiveFeed = {
  journal: '00000000-0000-4000-8000-000000000000',
  position: 0,
  join: () => ({
    from: Promise.reject(new PlatformError('CLOSED', 'nothing is live in this test')),
    close: () => {},
  }),
}

const TENANT_ROLES: ReadonlySet<Role> = new Set(['tenant-operator', 'tenant-viewer', 'application'])

function populate(registry: Registry): Record<Role, string> {
  for (const tenant of ['acme', 'beta']) {
    registry.tenants.create({ id: tenant, name: tenant })
    registry.devices.create({ id: 't1', tenant, kind: 'truck' })
    registry.devices.create({ id: 'h1', tenant, kind: 'heat_meter' })
  }
  const entries = ROLES.map((role) => {
    const tenant = TENANT_ROLES.has(role) ? 'acme' : null
    return [role, registry.keys.create({ role, tenant, name: `the ${role}` }).key]
  })
  return Object.fromEntries(entries)
}

async function request(
  { app, keys }: Pick<TestApp, 'app' | 'keys'>,
  path: string,
  { role = 'admin', key = keys[role], method, body, headers = {} }: TestRequest = {},
): Promise<TestResponse> {
  const isWhole = /^\/(api|health|metrics|openapi|docs)/.test(path) || path === '/'
  const response = await app.inject({
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    url: isWhole ? path : `/api/v1${path}`,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = response.body
  const isJson = String(response.headers['content-type']).includes('json') && text !== ''
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : text,
  }
}

function memoryLog() {
  const logged: TestApp['logged'] = []
  const at = (level: string) => (fields: unknown) => void logged.push({ level, fields })
  const log: Log = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
  return { log, logged }
}
