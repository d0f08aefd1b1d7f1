import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { isLoopback } from '#lib/runtime/network/loopback.ts'
import type { Config } from '#lib/runtime/settings/sections.ts'
import type { InfluxOptions } from '#lib/store/options.ts'
import type { BrokerOptions } from '../broker/options.ts'
import type { InternalOptions } from '../ingest/internal/internal-deps.ts'
import type { IngestOptions } from '../ingest/ingest-options.ts'
import type { MqttSourceOptions } from '../ingest/sources/mqtt/options.ts'
import { FORMAT_LIST } from '../ingest/formats/catalogue.ts'

/* What parts need beside their own section of the settings: paths, files, and values of two sections. */

/** Where the registry is; the keys that belong to it lie beside it. */
export function registryPath({ splitRoles, platform }: Config): string {
  return splitRoles.registry ?? join(platform.dataDir, 'registry.db')
}

export function registryDir(config: Config): string {
  return dirname(registryPath(config))
}

export function registryOptions(config: Config) {
  return {
    path: registryPath(config),
    credentialOverlapHours: config.platform.credentialOverlapHours,
    formats: FORMAT_LIST,
    followers: [join(config.platform.dataDir, 'journal', 'journal.json')],
  }
}

export function ingestOptions(config: Config, dataDir: string): IngestOptions {
  const { platform, store, retention, queries, journal, ingest } = config
  const influx = influxOptions(config)
  return {
    ...ingest,
    dataDir,
    registryPath: registryPath(config),
    store: { url: store.url, ...(influx ? { influx } : {}) },
    retention,
    limits: queries,
    logLevel: platform.logLevel,
    journal: { ...journal, fault: platform.fault },
  }
}

export function brokerOptions({ listeners, tls, broker }: Config, dataDir: string): BrokerOptions {
  const { host, mqtt, mqtts, mqttWs } = listeners
  const { cert, key, clientCa = null } = tls
  return {
    ...broker,
    host,
    ports: { mqtt, mqtts, mqttWs },
    tls: cert && key ? { cert, key, clientCa } : null,
    databasePath: join(dataDir, 'broker.db'),
  }
}

/** Null with the built-in broker. */
export function foreignBrokerOptions(config: Config, dataDir: string): MqttSourceOptions | null {
  const { url, share = null, topics = null } = config.foreignBroker
  if (url === undefined) return null
  const { maxPacketBytes, connectTimeoutMs } = config.broker
  return { url, share, topics, dataDir, maxPacketBytes, connectTimeoutMs }
}

/** Null while PADBORG_INGEST_PORT is off. Throws TLS_INVALID. */
export function internalOptions(config: Config): InternalOptions | null {
  const { ingestPort: port, secret, tls: mode } = config.splitRoles
  const { host } = config.listeners
  if (port === 'off' || secret === undefined) return null
  const isPlain = mode === 'off' || isLoopback(host)
  const { cert, key } = config.tls
  const tls = isPlain ? null : { cert: pem(cert), key: pem(key) }
  return { host, port, secret, tls, readyLagMs: config.api.readyLagMs }
}

/** The configuration has checked that it is set where it is needed. */
function pem(path = ''): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `${path}: expected a PEM file this user may read, got ${messageOf(error)}; correct ` +
        'PADBORG_TLS_CERT and PADBORG_TLS_KEY',
      { cause: error },
    )
  }
}

/** Null with the embedded store. */
export function influxOptions({ store, influx }: Config): InfluxOptions | null {
  const { url, bucket, database, ...rest } = influx
  const name = bucket ?? database
  if (store.url !== 'influx:' || url === undefined || name === undefined) return null
  return { ...rest, url, kind: bucket === undefined ? 'v1' : 'v2', database: name }
}
