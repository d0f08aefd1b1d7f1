import { secretSetting, setting } from './setting.ts'
import {
  httpUrl,
  httpUrls,
  mqttUrl,
  oneOf,
  path,
  port,
  shareName,
  sharedSecret,
  topicFilters,
  whole,
  words,
} from './setting-values.ts'

/* Settings of what may run outside this process: store, foreign broker, other roles. */

export const STORE = {
  url: setting(
    'PADBORG_STORE',
    oneOf('duckdb:', 'influx:'),
    'duckdb:',
    'Telemetry store: duckdb: is embedded, influx: is an InfluxDB at INFLUX_URL.',
  ),
}

export const INFLUX = {
  url: setting('INFLUX_URL', httpUrl.optional(), undefined, 'Address of InfluxDB 1.x, 2.x or 3.x.'),
  bucket: setting('INFLUX_BUCKET', words.optional(), undefined, 'Bucket of InfluxDB 2.x or 3.x.'),
  org: setting('INFLUX_ORG', words.optional(), undefined, 'Organisation of InfluxDB 2.x.'),
  token: secretSetting('INFLUX_TOKEN', words.optional(), 'Token of InfluxDB 2.x or 3.x.'),
  database: setting('INFLUX_DATABASE', words.optional(), undefined, 'Database of InfluxDB 1.x.'),
  username: setting('INFLUX_USERNAME', words.optional(), undefined, 'User of InfluxDB 1.x.'),
  password: secretSetting('INFLUX_PASSWORD', words.optional(), 'Password of that user.'),
  timeoutMs: setting(
    'PADBORG_INFLUX_TIMEOUT_MS',
    whole(100, 600_000),
    '10000',
    'How long InfluxDB may take for one answer.',
  ),
  maxSeries: setting(
    'PADBORG_INFLUX_MAX_SERIES',
    whole(1, 100_000_000),
    '200000',
    'Series of device, channel and radio technology in InfluxDB; readings beyond are refused.',
  ),
}

export const DERIVED = {
  maxKeys: setting(
    'PADBORG_DERIVED_MAX_KEYS',
    whole(0, 100_000),
    '500',
    'Cells, operators and bands (each) with derived series of their own; the rest share one.',
  ),
}

export const TELTONIKA = {
  port: setting(
    'PADBORG_TELTONIKA_PORT',
    port,
    'off',
    'Teltonika trackers over TCP (Codec 8, 8E, 16); 0 takes any free port.',
  ),
  keepUnknown: setting(
    'PADBORG_TELTONIKA_KEEP_UNKNOWN',
    oneOf('off', 'on'),
    'off',
    'Keep a rejection of each tracker that is not registered.',
  ),
}

export const RFMS = {
  file: setting(
    'PADBORG_RFMS_FILE',
    path.optional(),
    undefined,
    'File of the rFMS servers to poll; docs/rfms.md has its form.',
  ),
}

export const FOREIGN_BROKER = {
  url: secretSetting(
    'PADBORG_MQTT_URL',
    mqttUrl.optional(),
    'Foreign MQTT broker to subscribe to instead of the built-in one; may hold user and password.',
  ),
  share: setting(
    'PADBORG_MQTT_SHARE',
    shareName.optional(),
    undefined,
    'Name of the shared subscription there, so that several intakes divide the messages.',
  ),
  topics: setting(
    'PADBORG_MQTT_TOPICS',
    topicFilters.optional(),
    undefined,
    'Topic filters subscribed to there, comma separated; without it those of the registry.',
  ),
}

/** What lets roles run in processes of their own. */
export const SPLIT_ROLES = {
  registry: setting(
    'PADBORG_REGISTRY',
    path.optional(),
    undefined,
    'File of the registry, shared by the processes of one host; without it <data>/registry.db.',
  ),
  ingestUrls: setting(
    'PADBORG_INGEST_URL',
    httpUrls.optional(),
    undefined,
    'Where an api role reaches the intake; several are comma separated.',
  ),
  ingestPort: setting(
    'PADBORG_INGEST_PORT',
    port,
    'off',
    'Where an ingest role answers api roles of other processes, on PADBORG_HOST.',
  ),
  secret: secretSetting(
    'PADBORG_INGEST_SECRET',
    sharedSecret.optional(),
    'Secret by which api and ingest roles of different processes recognize each other.',
  ),
  tls: setting(
    'PADBORG_INGEST_TLS',
    oneOf('auto', 'off'),
    'auto',
    'TLS between them: auto unless the address is a loopback one, off in a network that is trusted.',
  ),
}
