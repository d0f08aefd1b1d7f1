import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import { connectIntake, type RemoteIntake } from '../../../api/intake-client/remote-intake.ts'
import type { InternalDeps } from '../../../ingest/internal/internal-deps.ts'
import { InternalServer } from '../../../ingest/internal/server.ts'
import { openIngest, type Ingest } from '../../../ingest/open-ingest.ts'
import { UNWATCHED, ingestOptionsFor } from '../../support/ingest-options.ts'
import { FORMAT_LIST } from '../../../ingest/formats/catalogue.ts'

export const SECRET = 'the secret of both sides 0123456'.replaceAll(' ', '-')
export const ALL = { tenants: null, devices: null, kinds: null }

const log = createLog('silent')

/** An ingest role with the embedded store, and trucks t1 and t2 of acme. */
export async function startIngest(dataDir: string): Promise<Ingest> {
  mkdirSync(dataDir, { recursive: true })
  const path = join(dataDir, 'registry.db')
  const registry = openRegistry({
    path,
    clock: systemClock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_LIST,
  })
  if (!registry.tenants.get('acme')) {
    registry.tenants.create({ id: 'acme', name: 'Acme' })
    registry.devices.create({ id: 't1', tenant: 'acme', kind: 'truck' })
    registry.devices.create({ id: 't2', tenant: 'acme', kind: 'truck' })
  }
  registry.close()
  const options = ingestOptionsFor(dataDir, {
    PADBORG_JOURNAL_SEGMENT_BYTES: String(4 * 1024 * 1024),
    PADBORG_INGEST_BATCH_MS: '1',
  })
  return await openIngest(options, UNWATCHED, { clock: systemClock, log })
}

/** Hands a message to the intake and waits until it is durable. */
export function send(ingest: Ingest, payload: unknown, device = 'acme.t1'): Promise<void> {
  const [tenant, short] = device.split('.')
  const message: IncomingMessage = {
    device,
    topic: `padborg/v1/${tenant}/${short}/telemetry`,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    qos: 1,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: systemClock.nowNs(),
    receivedMonoNs: systemClock.monoNs(),
    origin: null,
  }
  return new Promise((resolve, reject) => {
    ingest.intake.accept(message, (error) => (error ? reject(error) : resolve()))
  })
}

export function truck(seq: number) {
  return { v: 1, kind: 'truck', ts: Date.now(), seq, data: { speedKmh: seq % 90 } }
}

export interface Served {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** The internal address of an ingest role, on a free port. */
export async function serve(
  parts: Pick<InternalDeps, 'port' | 'live' | 'backups' | 'status'>,
  given: { readonly port?: number; readonly secret?: string } = {},
): Promise<Served> {
  const deps = { ...parts, metrics: createMetrics(), clock: systemClock, log }
  const options = { host: '127.0.0.1', secret: SECRET, tls: null, readyLagMs: 30_000 }
  const server = new InternalServer(deps, { ...options, port: 0, ...given })
  const port = await server.listen()
  return { url: `http://127.0.0.1:${port}`, port, close: () => server.close() }
}

/** The api side of it, once the first attempt has ended. */
export async function reach(
  url: string,
  exportDir: string,
  secret = SECRET,
): Promise<RemoteIntake> {
  const intake = connectIntake({ url, secret, exportDir }, { clock: systemClock, log })
  await intake.tried
  return intake
}
