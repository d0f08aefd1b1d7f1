import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { UsageError, runCommand, type Given } from '#lib/runtime/command.ts'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import { randomSecret } from '#lib/runtime/random.ts'

/** What docker-compose.yml offers; a test compares. One of each group, and any of the others. */
export const SHAPES = ['single', 'split', 'foreign'] as const
export const STORES = ['influx2', 'influx3'] as const
export const EXTRAS = ['simulators', 'tls'] as const

/** New in every run. InfluxDB 3 requires this prefix of the token; 2.x takes any. */
export const SECRETS: Readonly<
  Record<string, { readonly prefix: string; readonly about: string }>
> = {
  PADBORG_ADMIN_KEY: { prefix: 'pbk_', about: 'signs in to the portal and the API' },
  PADBORG_INGEST_SECRET: { prefix: 'pbs_', about: 'between intake and API' },
  INFLUX_TOKEN: { prefix: 'apiv3_', about: 'the platform at InfluxDB' },
  INFLUXDB_ADMIN_PASSWORD: { prefix: 'pbs_', about: 'user admin of InfluxDB 2.x' },
  GRAFANA_ADMIN_PASSWORD: { prefix: 'pbs_', about: 'user admin of Grafana' },
  GRAFANA_INFLUX_PASSWORD: { prefix: 'pbs_', about: 'Grafana at InfluxDB, reads only' },
  MOSQUITTO_INGEST_PASSWORD: { prefix: 'pbs_', about: 'the intakes at mosquitto' },
  MOSQUITTO_DEVICES_PASSWORD: { prefix: 'pbs_', about: 'user devices of mosquitto' },
}

export const INIT_COMMAND = {
  name: 'init',
  summary:
    'Makes the secrets for docker-compose.yml, in a file that only you can read. Never overwrites one.',
  options: {
    profiles: {
      value: 'LIST',
      about: `one of ${SHAPES.join(', ')}; one of ${STORES.join(', ')}; and ${EXTRAS.join(', ')}`,
      default: 'single,influx2',
    },
    tls: {
      value: 'HOST',
      about:
        'makes a certificate for HOST by an authority of its own, for tests, and adds the profile ' +
        'tls; with a certificate of a real authority give --profiles ...,tls instead',
    },
    file: { value: 'FILE', about: 'where the secrets go', default: '.env' },
    certs: { value: 'DIR', about: 'where certificates go', default: 'deploy/certs' },
  },
  examples: ['', '--profiles split,influx3', '--profiles single,influx2 --tls gw.example.dk'],
} as const

type Name = keyof typeof INIT_COMMAND.options

export interface InitOptions {
  readonly profiles: readonly string[]
  readonly tls: string | null
  readonly file: string
  readonly certs: string
}

/** Throws UsageError. */
export function initOptions({ texts }: Given<Name>): InitOptions {
  const { profiles: list = '', tls = null, file = '', certs = '' } = texts
  const profiles = list.split(',').map((name) => name.trim())
  const problems = [
    ...profileProblems(profiles),
    ...(tls === null || isHost(tls) ? [] : [`--tls ${tls}: expected a host name or an IP address`]),
  ]
  if (problems.length > 0) throw new UsageError(...problems)
  return {
    profiles: tls === null ? profiles : [...new Set([...profiles, 'tls'])],
    tls,
    file,
    certs,
  }
}

function profileProblems(profiles: readonly string[]): string[] {
  const known: readonly string[] = [...SHAPES, ...STORES, ...EXTRAS]
  const problems = profiles
    .filter((name) => !known.includes(name))
    .map((name) => `--profiles ${name}: expected some of ${known.join(', ')}`)
  for (const group of [SHAPES, STORES]) {
    const chosen = group.filter((name) => profiles.includes(name))
    if (chosen.length === 1) continue
    problems.push(
      `--profiles: expected one of ${group.join(', ')}, got ${chosen.join(', ') || 'none'}`,
    )
  }
  if (profiles.includes('foreign') && profiles.includes('simulators')) {
    problems.push(
      '--profiles: the simulators have accounts at the built-in broker, not at mosquitto',
    )
  }
  return problems
}

/** For the subject of a certificate and for a URL. */
function isHost(name: string): boolean {
  return isIP(name) !== 0 || /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(name)
}

/** Writes secrets and, when asked, certificates. The lines it returns hold no secret. */
export function init(options: InitOptions): string[] {
  const { tls, file, certs, profiles } = options
  if (existsSync(file)) throw existsAlready(file)
  const certificateLines = tls === null ? [] : makeCertificates(tls, certs)
  // The flag refuses a file that another process has made in the meantime.
  try {
    writeFileSync(file, environmentText(options), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') throw existsAlready(file)
    throw new PlatformError('CONFIG_INVALID', `${file}: cannot be written (${messageOf(error)})`, {
      cause: error,
    })
  }
  chmodSync(file, 0o600)
  const names = Object.entries(SECRETS).map(([name, { about }]) => `  ${name}: ${about}`)
  return [
    `${file} (mode 0600) holds, for the profiles ${profiles.join(', ')}:`,
    ...names,
    ...certificateLines,
    'Next: docker compose up --build --detach',
  ]
}

function environmentText({ profiles, tls }: InitOptions): string {
  const secrets: Record<string, string> = {}
  for (const [name, { prefix }] of Object.entries(SECRETS)) secrets[name] = randomSecret(prefix)
  // InfluxDB 3 Core has no accounts that only read: its token is the password of any user.
  if (profiles.includes('influx3')) {
    secrets['GRAFANA_INFLUX_PASSWORD'] = secrets['INFLUX_TOKEN'] ?? ''
  }
  const lines = [
    '# Made by npm run init for docker-compose.yml. Keep it secret: whoever reads it is admin.',
    `COMPOSE_PROFILES=${profiles.join(',')}`,
    ...(profiles.includes('tls') ? ['MQTTS_LISTENER=8883'] : []),
    ...(tls === null ? [] : [`# The certificate in deploy/certs was made for ${tls}.`]),
    ...Object.entries(secrets).map(([name, secret]) => `${name}=${secret}`),
  ]
  return `${lines.join('\n')}\n`
}

function existsAlready(path: string): PlatformError {
  return new PlatformError(
    'CONFIG_INVALID',
    `${path}: exists already and is not overwritten, because services were set up with it; ` +
      'move it away to make new secrets, or give another --file',
  )
}

const AUTHORITY_DAYS = '3650'
/** Browsers refuse server certificates that are valid for longer. */
const SERVER_DAYS = '397'
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** A test authority and a server certificate for one host; all files at once or none. */
function makeCertificates(host: string, dir: string): string[] {
  const names = ['ca.pem', 'ca.key', 'fullchain.pem', 'privkey.pem']
  const existing = names.map((name) => join(dir, name)).find((path) => existsSync(path))
  if (existing !== undefined) throw existsAlready(existing)
  const work = mkdtempSync(join(dir, '.new-'))
  const at = (name: string) => join(work, name)
  try {
    writeFileSync(at('server.ext'), extensions(host))
    const ca = ['-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', AUTHORITY_DAYS]
    openssl(['req', '-x509', ...NEW_KEY, ...ca, '-subj', '/CN=Padborg test authority'])
    const request = ['-keyout', at('privkey.pem'), '-out', at('server.csr')]
    openssl(['req', ...NEW_KEY, ...request, '-subj', `/CN=${host.slice(0, 64)}`])
    const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial']
    const made = ['-extfile', at('server.ext'), '-days', SERVER_DAYS, '-out', at('fullchain.pem')]
    openssl(['x509', '-req', '-in', at('server.csr'), ...signed, ...made])
    for (const name of ['ca.key', 'privkey.pem']) chmodSync(at(name), 0o600)
    for (const name of names) renameSync(at(name), join(dir, name))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  const owner = process.getuid?.() ?? CONTAINER_USER
  return [
    `${dir} holds a certificate for ${host}, for tests: configure devices and browsers to trust`,
    `  ${join(dir, 'ca.pem')}. Published on 127.0.0.1 unless PUBLISH_TLS_ADDRESS in the file is set.`,
    ...(owner === CONTAINER_USER
      ? []
      : [
          `The containers read it as user ${CONTAINER_USER}: chown ${CONTAINER_USER} ${dir}/privkey.pem`,
        ]),
  ]
}

/** The user of the platform and of nginx in docker-compose.yml. */
const CONTAINER_USER = 1000

function extensions(host: string): string {
  const name = isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`
  return [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
    `subjectAltName=${name},DNS:localhost,IP:127.0.0.1`,
    '',
  ].join('\n')
}

function openssl(args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    const isMissing = systemCodeOf(error) === 'ENOENT'
    throw new PlatformError(
      'TLS_INVALID',
      isMissing
        ? '--tls: expected the command openssl, got none; install it, or put fullchain.pem and ' +
            'privkey.pem of your own into deploy/certs and give --profiles ...,tls'
        : `--tls: openssl ${args[0]} failed: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

if (import.meta.main) {
  const work = (given: Given<Name>) => {
    const options = initOptions(given)
    const lines = init(options)
    return { text: lines.join('\n'), json: { ...options, lines } }
  }
  process.exit(await runCommand(INIT_COMMAND, process.argv.slice(2), work))
}
