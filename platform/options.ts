import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '#lib/runtime/config.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { isLoopback } from '#lib/runtime/network/loopback.ts'
import type { InfluxOptions } from '#lib/store/options.ts'
import type { LiveLimits } from '../api/api.ts'
import type { BrokerOptions } from '../broker/broker.ts'
import type { InternalOptions } from '../ingest/internal/internal-deps.ts'
import type { IngestOptions } from '../ingest/open-ingest.ts'
import type { MqttSourceOptions } from '../ingest/sources/mqtt/mqtt-source.ts'
import { FORMAT_NAMES } from '../ingest/formats/catalogue.ts'

/** Where the registry is; the keys that belong to it lie beside it. */
export function registryPath({ PADBORG_REGISTRY: path, PADBORG_DATA_DIR: dir }: Config): string {
  return path ?? join(dir, 'registry.db')
}

export function registryOptions(config: Config) {
  return {
    path: registryPath(config),
    credentialOverlapHours: config.PADBORG_CREDENTIAL_OVERLAP_HOURS,
    formats: FORMAT_NAMES,
  }
}

export function registryDir(config: Config): string {
  return dirname(registryPath(config))
}

export function ingestOptions(config: Config, dataDir: string): IngestOptions {
  const influx = influxSettings(config)
  return {
    dataDir,
    registryPath: registryPath(config),
    store: { url: config.PADBORG_STORE, ...(influx ? { influx } : {}) },
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
    stateSilenceSeconds: config.PADBORG_STATE_SILENCE_S,
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

export function liveLimits(config: Config): LiveLimits {
  return {
    viewers: config.PADBORG_LIVE_VIEWERS,
    viewersPerKey: config.PADBORG_LIVE_VIEWERS_PER_KEY,
    queue: config.PADBORG_LIVE_QUEUE,
    horizonMs: config.PADBORG_LIVE_HORIZON_SECONDS * 1000,
    heartbeatMs: config.PADBORG_LIVE_HEARTBEAT_SECONDS * 1000,
  }
}

export function brokerOptions(config: Config, dataDir: string): BrokerOptions {
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

/** Null with the built-in broker. */
export function foreignBroker(config: Config, dataDir: string): MqttSourceOptions | null {
  const { PADBORG_MQTT_URL: url } = config
  if (url === undefined) return null
  return {
    url,
    share: config.PADBORG_MQTT_SHARE ?? null,
    topics: config.PADBORG_MQTT_TOPICS ?? null,
    dataDir,
    maxPacketBytes: config.PADBORG_MQTT_MAX_PACKET_BYTES,
    connectTimeoutMs: config.PADBORG_MQTT_CONNECT_TIMEOUT_MS,
  }
}

/** Null while PADBORG_INGEST_PORT is off. Throws TLS_INVALID. */
export function internalOptions(config: Config): InternalOptions | null {
  const { PADBORG_INGEST_PORT: port, PADBORG_INGEST_SECRET: secret, PADBORG_HOST: host } = config
  if (port === 'off' || secret === undefined) return null
  const isPlain = config.PADBORG_INGEST_TLS === 'off' || isLoopback(host)
  const { PADBORG_TLS_CERT: cert, PADBORG_TLS_KEY: key } = config
  const readyLagMs = config.PADBORG_READY_LAG_SECONDS * 1000
  const tls = isPlain ? null : { cert: pem(cert), key: pem(key) }
  return { host, port, secret, tls, readyLagMs }
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
export function influxSettings(config: Config): InfluxOptions | null {
  const { INFLUX_URL: url, INFLUX_BUCKET: bucket, INFLUX_DATABASE: database } = config
  const name = bucket ?? database
  if (config.PADBORG_STORE !== 'influx:' || url === undefined || name === undefined) return null
  return {
    url,
    kind: bucket === undefined ? 'v1' : 'v2',
    database: name,
    org: config.INFLUX_ORG,
    token: config.INFLUX_TOKEN,
    username: config.INFLUX_USERNAME,
    password: config.INFLUX_PASSWORD,
    timeoutMs: config.PADBORG_INFLUX_TIMEOUT_MS,
    maxSeries: config.PADBORG_INFLUX_MAX_SERIES,
  }
}
