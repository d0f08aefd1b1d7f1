import type { z } from 'zod'
import { PlatformError } from './errors.ts'
import { SERVICE_SETTINGS, serviceContradictions } from './settings/service-settings.ts'
import { setting, type Setting } from './settings/setting.ts'
import {
  decimal,
  host,
  key,
  oneOf,
  path,
  port,
  timeZone,
  whole,
} from './settings/setting-values.ts'
import { suggestName } from './settings/suggest-name.ts'

const days = decimal(0.001, 36_500)

const MIB = 1024 * 1024

/** Every setting of the platform: schema, default and a sentence. `.env.example` is made of it. */
export const SETTINGS = {
  PADBORG_HOST: setting(
    host,
    '127.0.0.1',
    'Address all listeners bind to; 0.0.0.0 opens them to the network.',
  ),
  PADBORG_MQTT_PORT: setting(port, '1883', 'MQTT over TCP; 0 takes any free port, off closes it.'),
  PADBORG_MQTTS_PORT: setting(
    port,
    'off',
    'MQTT over TLS; needs PADBORG_TLS_CERT and PADBORG_TLS_KEY.',
  ),
  PADBORG_MQTT_WS_PORT: setting(port, '1884', 'MQTT over WebSocket.'),
  PADBORG_HTTP_PORT: setting(port, '8080', 'HTTP API and portal.'),
  PADBORG_DATA_DIR: setting(path, './data', 'Journal, store, registry and keys.'),
  PADBORG_ADMIN_KEY: {
    ...setting(
      key.optional(),
      undefined,
      'Admin API key; without it one is made at first start and kept in <data>/admin-key.',
    ),
    secret: true,
  },
  PADBORG_TLS_CERT: setting(path.optional(), undefined, 'PEM file of the server certificate.'),
  PADBORG_TLS_KEY: setting(path.optional(), undefined, 'PEM file of its private key.'),
  PADBORG_TLS_CLIENT_CA: setting(
    path.optional(),
    undefined,
    'PEM file of the authority whose client certificates are accepted.',
  ),
  ...SERVICE_SETTINGS,
  PADBORG_TIMEZONE: setting(timeZone, 'Europe/Copenhagen', 'Zone of local times without one.'),
  PADBORG_LOG_LEVEL: setting(
    oneOf('trace', 'debug', 'info', 'warn', 'error'),
    'info',
    'Least severe log line that is written.',
  ),

  PADBORG_RETENTION_FLEET_DAYS: setting(
    days,
    '90',
    'Raw readings of truck, robot, radio and probe.',
  ),
  PADBORG_RETENTION_METERING_DAYS: setting(
    days,
    '3650',
    'Raw readings of heat_meter and energy_meter.',
  ),
  PADBORG_RETENTION_MINUTE_DAYS: setting(days, '90', 'Aggregates per device and minute.'),
  PADBORG_RETENTION_HOUR_DAYS: setting(days, '1825', 'Aggregates per device and hour.'),
  PADBORG_RETENTION_REJECTION_DAYS: setting(days, '90', 'Rejections with their original bytes.'),
  PADBORG_RETENTION_JOURNAL_HOURS: setting(
    decimal(0, 87_600),
    '48',
    'Consumed journal segments kept for replay.',
  ),

  PADBORG_JOURNAL_WINDOW_MS: setting(
    decimal(0, 1000),
    '2',
    'Least time between two group commits.',
  ),
  PADBORG_JOURNAL_SEGMENT_BYTES: setting(
    whole(MIB, 1024 * MIB),
    String(64 * MIB),
    'Size of a journal segment.',
  ),
  PADBORG_JOURNAL_KEEP_BYTES: setting(
    whole(MIB, 2 ** 50),
    String(8192 * MIB),
    'Consumed segments kept for replay at most.',
  ),
  PADBORG_JOURNAL_LAG_BYTES: setting(
    whole(MIB, 2 ** 50),
    String(4096 * MIB),
    'Unconsumed journal at which the broker stops reading from publishers.',
  ),
  PADBORG_JOURNAL_FREE_BYTES: setting(
    whole(0, 2 ** 50),
    String(1024 * MIB),
    'Free disk space below which consumed segments go before their time.',
  ),

  PADBORG_MQTT_MAX_PACKET_BYTES: setting(
    whole(1024, 256 * MIB),
    String(256 * 1024),
    'Largest MQTT packet; a larger one closes the connection.',
  ),
  PADBORG_MQTT_MAX_CONNECTIONS: setting(whole(1, 1_000_000), '20000', 'MQTT connections at once.'),
  PADBORG_MQTT_MAX_IN_FLIGHT: setting(
    whole(1, 10_000_000),
    '100000',
    'Messages read but not yet durable, over all clients.',
  ),
  PADBORG_MQTT_MAX_IN_FLIGHT_PER_CLIENT: setting(
    whole(1, 65_535),
    '2000',
    'The same for one client.',
  ),
  PADBORG_MQTT_MAX_TOPIC_LEVELS: setting(whole(5, 100), '32', 'Levels of a topic.'),
  PADBORG_MQTT_MAX_OFFLINE_MESSAGES: setting(
    whole(0, 1_000_000),
    '1000',
    'Messages kept for one offline subscriber; the oldest goes first.',
  ),
  PADBORG_MQTT_MAX_RATE_PER_DEVICE: setting(
    whole(1, 10_000_000),
    '5000',
    'Messages per second and connection; above it the client is read more slowly.',
  ),
  PADBORG_MQTT_SOCKET_BUFFER_BYTES: setting(
    whole(65_536, 64 * MIB),
    String(256 * 1024),
    'High-water mark of a client socket; a subscriber over half of it loses messages instead of stalling others.',
  ),
  PADBORG_MQTT_DRAIN_TIMEOUT_MS: setting(
    whole(100, 600_000),
    '5000',
    'How long a subscriber may take nothing before it is disconnected.',
  ),
  PADBORG_MQTT_CONNECT_TIMEOUT_MS: setting(
    whole(100, 600_000),
    '10000',
    'How long a connection may wait with its CONNECT.',
  ),
  PADBORG_CREDENTIAL_OVERLAP_HOURS: setting(
    decimal(0, 87_600),
    '168',
    'How long older credentials of a device stay valid beside a new one.',
  ),

  PADBORG_INGEST_BATCH_MS: setting(
    whole(1, 10_000),
    '100',
    'Longest wait for more messages before a batch is written to the store.',
  ),
  PADBORG_INGEST_BATCH_BYTES: setting(
    whole(65_536, 256 * MIB),
    String(4 * MIB),
    'Journal bytes per batch at most.',
  ),
  PADBORG_INGEST_SNAPSHOT_MS: setting(
    whole(100, 600_000),
    '5000',
    'How often the state of the intake is saved; a restart reads the journal from there.',
  ),
  PADBORG_LATE_SECONDS: setting(
    decimal(1, 86_400),
    '60',
    'Age above which a reading counts as late.',
  ),
  PADBORG_STATE_SILENCE_S: setting(
    decimal(1, 86_400),
    '60',
    'Seconds without state after which a VDA 5050 robot that is ONLINE counts as silent.',
  ),
  PADBORG_ERRORS_PER_MINUTE: setting(
    whole(0, 60_000),
    '30',
    'Messages on the errors topic per device.',
  ),

  PADBORG_QUERY_TIMEOUT_MS: setting(
    whole(100, 600_000),
    '10000',
    'A query is cancelled after that.',
  ),
  PADBORG_QUERY_CONCURRENCY: setting(
    whole(1, 16),
    '2',
    'Queries that run at once; for more than 4 set UV_THREADPOOL_SIZE to 4 more than that.',
  ),
  PADBORG_QUERY_QUEUE: setting(
    whole(1, 10_000),
    '200',
    'Queries that may wait; more are refused with 503.',
  ),
  PADBORG_BACKUP_STALL_SECONDS: setting(
    decimal(0.1, 86_400),
    '60',
    'A backup that nobody reads on for that long is given up: checkpoints wait for it.',
  ),
  PADBORG_EXPORT_MAX_ROWS: setting(
    whole(1, 1_000_000_000),
    '5000000',
    'Readings in one Parquet file; a question with more is refused.',
  ),
  PADBORG_READY_LAG_SECONDS: setting(
    decimal(1, 86_400),
    '30',
    'Lag of the writer at which /health/ready answers 503.',
  ),
  PADBORG_LIVE_VIEWERS: setting(
    whole(1, 10_000),
    '200',
    'Live streams at once; more are refused with 503.',
  ),
  PADBORG_LIVE_VIEWERS_PER_KEY: setting(whole(1, 10_000), '20', 'The same for one key.'),
  PADBORG_LIVE_QUEUE: setting(
    whole(1, 1_000_000),
    '1000',
    'Events that wait for one viewer; a slower one loses them and is told by a gap.',
  ),
  PADBORG_LIVE_HORIZON_SECONDS: setting(
    decimal(0, 31_536_000),
    '3600',
    'How far back a live stream is resumed from the store; beyond it stands one gap.',
  ),
  PADBORG_LIVE_HEARTBEAT_SECONDS: setting(
    decimal(0.05, 3600),
    '15',
    'How often a live stream tells where it stands.',
  ),
  PADBORG_SHUTDOWN_SECONDS: setting(decimal(1, 600), '20', 'Longest orderly shutdown.'),
  PADBORG_FAULT: setting(
    oneOf('none', 'early-ack', 'no-fsync'),
    'none',
    'Breaks a promise on purpose, so that a test can see itself turn red. Never set it.',
  ),
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS
export type Config = { readonly [K in SettingName]: z.infer<(typeof SETTINGS)[K]['schema']> }

export interface ConfigProblem {
  readonly setting: string
  readonly value: string
  readonly problem: string
}

/**
 * Reads the settings from an environment; a problem per faulty setting, all at once. Settings that
 * contradict each other are problems too.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): {
  readonly config: Config | null
  readonly problems: readonly ConfigProblem[]
} {
  const problems: ConfigProblem[] = unknownKeys(env)
  const values: Record<string, unknown> = {}
  for (const [name, { schema, fallback, secret }] of Object.entries<Setting>(SETTINGS)) {
    const given = env[name]
    const text = given === undefined || given === '' ? fallback : given
    const parsed = schema.safeParse(text)
    if (parsed.success) values[name] = parsed.data
    else problems.push(problemOf(name, text, { problem: explain(parsed.error), secret }))
  }
  // Every key of SETTINGS was parsed by its own schema just above, or is left out: one that is wrong
  // is not also missing.
  const faulty = new Set(problems.map((problem) => problem.setting))
  problems.push(...contradictionsOf(values).filter((problem) => !faulty.has(problem.setting)))
  return problems.length > 0
    ? { config: null, problems }
    : { config: values as Config, problems: [] }
}

/** Throws CONFIG_INVALID with one line per problem. */
export function requireConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const { config, problems } = readConfig(env)
  if (config) return config
  throw new PlatformError('CONFIG_INVALID', problems.map(problemLine).join('\n'))
}

export function problemLine({ setting: name, value, problem }: ConfigProblem): string {
  return `${name}=${value}: ${problem}`
}

/** The text of `.env.example`: every setting with its default and its sentence. */
export function exampleEnvironment(): string {
  const lines = ['# Every setting, with its default. Copy to .env and change what you need.', '']
  for (const [name, { fallback, about }] of Object.entries<Setting>(SETTINGS)) {
    if (name === 'PADBORG_FAULT') continue
    lines.push(`# ${about}`, `# ${name}=${fallback ?? ''}`, '')
  }
  return lines.join('\n')
}

const PREFIX = 'PADBORG_'
/** A misspelt name must not bring a secret into the log. */
const SOUNDS_SECRET = /KEY|SECRET|TOKEN|PASS/i
const LONGEST_SHOWN = 80

function unknownKeys(env: Readonly<Record<string, string | undefined>>): ConfigProblem[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !Object.hasOwn(SETTINGS, name))
    .map((name) => {
      const meant = suggestName(name, Object.keys(SETTINGS), PREFIX)
      const hint = meant === null ? '' : `, did you mean ${meant}?`
      const problem = `there is no such setting${hint}; .env.example lists them all`
      return problemOf(name, env[name], { problem, secret: SOUNDS_SECRET.test(name) })
    })
}

interface Finding {
  readonly problem: string
  readonly secret?: boolean | undefined
}

/** A problem is one line, whatever the value holds. */
function problemOf(
  name: string,
  value: string | number | undefined,
  { problem, secret }: Finding,
): ConfigProblem {
  if (secret && value) return { setting: name, value: '(secret)', problem }
  const line = String(value ?? '').replaceAll(/\p{Cc}/gu, '\uFFFD')
  const shown = line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN)}...` : line
  return { setting: name, value: shown, problem }
}

function explain(error: z.ZodError): string {
  return error.issues.map(({ message }) => message).join(', and ')
}

/** Between settings that are valid each by itself; those that are not are left out. */
function contradictionsOf(config: Partial<Config>): ConfigProblem[] {
  const add = (name: SettingName, problem: string) => {
    const { secret }: Setting = SETTINGS[name]
    const value = config[name]
    return problemOf(name, value === undefined ? '' : String(value), { problem, secret })
  }
  const problems = samePorts(config)
  for (const { name, problem } of serviceContradictions(config)) problems.push(add(name, problem))
  const { PADBORG_MQTTS_PORT: tlsPort = 'off' } = config
  for (const name of ['PADBORG_TLS_CERT', 'PADBORG_TLS_KEY'] as const) {
    if (tlsPort === 'off' || config[name]) continue
    problems.push(add(name, 'expected a PEM file because PADBORG_MQTTS_PORT is set'))
  }
  const { PADBORG_MQTT_MAX_IN_FLIGHT: all = Infinity } = config
  if ((config.PADBORG_MQTT_MAX_IN_FLIGHT_PER_CLIENT ?? 0) > all) {
    const expected = `expected at most ${all}, the value of PADBORG_MQTT_MAX_IN_FLIGHT`
    problems.push(add('PADBORG_MQTT_MAX_IN_FLIGHT_PER_CLIENT', expected))
  }
  return problems
}

const LISTENERS = [
  'PADBORG_MQTT_PORT',
  'PADBORG_MQTTS_PORT',
  'PADBORG_MQTT_WS_PORT',
  'PADBORG_HTTP_PORT',
  'PADBORG_INGEST_PORT',
  'PADBORG_TELTONIKA_PORT',
] as const

function samePorts(config: Partial<Config>): ConfigProblem[] {
  return LISTENERS.flatMap((name, at) => {
    const value = config[name]
    if (value === undefined || value === 'off' || value === 0) return []
    const earlier = LISTENERS.slice(0, at).find((other) => config[other] === value)
    if (!earlier) return []
    return problemOf(name, value, { problem: `${earlier} has the same port; give each its own` })
  })
}
