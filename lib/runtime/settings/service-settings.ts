import type { z } from 'zod'
import { isLoopback } from '../network/loopback.ts'
import { secretSetting, setting, type Setting } from './setting.ts'
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

/** Settings of what may stand outside this process: store, foreign broker, roles apart. */
export const SERVICE_SETTINGS = {
  PADBORG_STORE: setting(
    oneOf('duckdb:', 'influx:'),
    'duckdb:',
    'Telemetry store: duckdb: is embedded, influx: is an InfluxDB at INFLUX_URL.',
  ),
  INFLUX_URL: setting(httpUrl.optional(), undefined, 'Address of InfluxDB 1.x, 2.x or 3.x.'),
  INFLUX_BUCKET: setting(words.optional(), undefined, 'Bucket of InfluxDB 2.x or 3.x.'),
  INFLUX_ORG: setting(words.optional(), undefined, 'Organisation of InfluxDB 2.x.'),
  INFLUX_TOKEN: secretSetting(words.optional(), 'Token of InfluxDB 2.x or 3.x.'),
  INFLUX_DATABASE: setting(words.optional(), undefined, 'Database of InfluxDB 1.x.'),
  INFLUX_USERNAME: setting(words.optional(), undefined, 'User of InfluxDB 1.x.'),
  INFLUX_PASSWORD: secretSetting(words.optional(), 'Password of that user.'),
  PADBORG_INFLUX_TIMEOUT_MS: setting(
    whole(100, 600_000),
    '10000',
    'How long InfluxDB may take for one answer.',
  ),
  PADBORG_INFLUX_MAX_SERIES: setting(
    whole(1, 100_000_000),
    '200000',
    'Series of device, channel and radio technology in InfluxDB; readings beyond are refused.',
  ),
  PADBORG_DERIVED_MAX_KEYS: setting(
    whole(0, 100_000),
    '500',
    'Cells, operators and bands (each) with derived series of their own; the rest share one.',
  ),

  PADBORG_TELTONIKA_PORT: setting(
    port,
    'off',
    'Teltonika trackers over TCP (Codec 8, 8E, 16); 0 takes any free port.',
  ),
  PADBORG_TELTONIKA_KEEP_UNKNOWN: setting(
    oneOf('off', 'on'),
    'off',
    'Keep a rejection of each tracker that nobody has registered.',
  ),
  PADBORG_RFMS_FILE: setting(
    path.optional(),
    undefined,
    'File of the rFMS servers to poll; docs/rfms.md has its form.',
  ),

  PADBORG_MQTT_URL: secretSetting(
    mqttUrl.optional(),
    'Foreign MQTT broker to subscribe to instead of the built-in one; may hold user and password.',
  ),
  PADBORG_MQTT_SHARE: setting(
    shareName.optional(),
    undefined,
    'Name of the shared subscription there, so that several intakes divide the messages.',
  ),
  PADBORG_MQTT_TOPICS: setting(
    topicFilters.optional(),
    undefined,
    'Topic filters subscribed to there, comma separated; without it those of the registry.',
  ),

  PADBORG_REGISTRY: setting(
    path.optional(),
    undefined,
    'File of the registry, shared by the processes of one host; without it <data>/registry.db.',
  ),
  PADBORG_INGEST_URL: setting(
    httpUrls.optional(),
    undefined,
    'Where an api role reaches the intake; several are comma separated.',
  ),
  PADBORG_INGEST_PORT: setting(
    port,
    'off',
    'Where an ingest role answers api roles of other processes, on PADBORG_HOST.',
  ),
  PADBORG_INGEST_SECRET: secretSetting(
    sharedSecret.optional(),
    'What api and ingest roles of different processes know each other by.',
  ),
  PADBORG_INGEST_TLS: setting(
    oneOf('auto', 'off'),
    'auto',
    'TLS between them: auto unless the address is a loopback one, off in a network that is trusted.',
  ),
} as const satisfies Record<string, Setting>

type ServiceSettings = typeof SERVICE_SETTINGS
export type ServiceName = keyof ServiceSettings
export type ServiceConfig = {
  readonly [K in ServiceName]: z.infer<ServiceSettings[K]['schema']>
}

/** What the checks below look at beside the settings above. */
interface Beside {
  readonly PADBORG_HOST: string
  readonly PADBORG_TLS_CERT: string | undefined
  readonly PADBORG_TLS_KEY: string | undefined
}

export interface Contradiction {
  readonly name: ServiceName | keyof Beside
  readonly problem: string
}

/** Between settings that are valid each by itself; what is not known is left out. */
export function serviceContradictions(
  config: Partial<ServiceConfig> & Partial<Beside>,
): Contradiction[] {
  return [...influxProblems(config), ...foreignBrokerProblems(config), ...apartProblems(config)]
}

function influxProblems(config: Partial<ServiceConfig>): Contradiction[] {
  if (config.PADBORG_STORE !== 'influx:') return []
  const found: Contradiction[] = []
  const because = 'because PADBORG_STORE is influx:'
  if (!config.INFLUX_URL) {
    const problem = `expected the address of the server, such as http://127.0.0.1:8086, ${because}`
    found.push({ name: 'INFLUX_URL', problem })
  }
  if (config.INFLUX_BUCKET && config.INFLUX_DATABASE) {
    const problem =
      'expected either INFLUX_DATABASE (InfluxDB 1.x) or INFLUX_BUCKET (2.x, 3.x), got both; ' +
      'leave out the one your server does not have'
    found.push({ name: 'INFLUX_DATABASE', problem })
  }
  if (!config.INFLUX_BUCKET && !config.INFLUX_DATABASE) {
    const problem = `expected a bucket (2.x, 3.x), or INFLUX_DATABASE (1.x), ${because}`
    found.push({ name: 'INFLUX_BUCKET', problem })
  }
  if (config.INFLUX_USERNAME && !config.INFLUX_PASSWORD) {
    const problem = 'expected the password of INFLUX_USERNAME'
    found.push({ name: 'INFLUX_PASSWORD', problem })
  }
  if (config.INFLUX_PASSWORD && !config.INFLUX_USERNAME) {
    const problem = 'expected the user that INFLUX_PASSWORD belongs to'
    found.push({ name: 'INFLUX_USERNAME', problem })
  }
  return found
}

function foreignBrokerProblems(config: Partial<ServiceConfig>): Contradiction[] {
  if (config.PADBORG_MQTT_URL) return []
  return (['PADBORG_MQTT_SHARE', 'PADBORG_MQTT_TOPICS'] as const)
    .filter((name) => config[name])
    .map((name) => ({
      name,
      problem: 'expected PADBORG_MQTT_URL to be set as well; set it, or leave this out',
    }))
}

function apartProblems(config: Partial<ServiceConfig> & Partial<Beside>): Contradiction[] {
  const { PADBORG_INGEST_URL: urls = [], PADBORG_INGEST_PORT: listener = 'off' } = config
  const found: Contradiction[] = []
  const isApart = urls.length > 0 || listener !== 'off'
  if (isApart && !config.PADBORG_INGEST_SECRET) {
    const cause = urls.length > 0 ? 'PADBORG_INGEST_URL' : 'PADBORG_INGEST_PORT'
    const problem = `expected the secret that both sides share, because ${cause} is set`
    found.push({ name: 'PADBORG_INGEST_SECRET', problem })
  }
  if (new Set(urls).size < urls.length) {
    const problem = 'expected each intake once, got one twice; it would be counted twice'
    found.push({ name: 'PADBORG_INGEST_URL', problem })
  }
  if (config.PADBORG_INGEST_TLS === 'off') return found
  const plain = urls.find((url) => url.startsWith('http:') && !isLoopback(new URL(url).hostname))
  if (plain) {
    const problem =
      `expected https: for ${plain}, which is not on this machine; ` +
      'PADBORG_INGEST_TLS=off allows http: in a network that you trust'
    found.push({ name: 'PADBORG_INGEST_URL', problem })
  }
  return [...found, ...listenerProblems(config)]
}

function listenerProblems({
  PADBORG_INGEST_PORT: listener = 'off',
  PADBORG_HOST: host = '127.0.0.1',
  ...config
}: Partial<ServiceConfig> & Partial<Beside>): Contradiction[] {
  if (listener === 'off' || isLoopback(host)) return []
  return (['PADBORG_TLS_CERT', 'PADBORG_TLS_KEY'] as const)
    .filter((name) => !config[name])
    .map((name) => ({
      name,
      problem:
        `expected a PEM file because PADBORG_INGEST_PORT is open to the network on ${host}; ` +
        'PADBORG_INGEST_TLS=off allows plain HTTP in a network that you trust',
    }))
}
