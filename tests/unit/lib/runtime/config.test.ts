import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { exampleEnvironment, problemLine, readConfig, requireConfig } from '#lib/runtime/config.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { SETTINGS } from '#lib/runtime/settings/sections.ts'

const NAMES = Object.keys(SETTINGS)

/** The lines a person would see. */
function linesFor(env: Readonly<Record<string, string>>): string[] {
  const { config, problems } = readConfig(env)
  expect(config === null).toBe(problems.length > 0)
  return problems.map(problemLine)
}

/** Values that are wrong for each setting; `isWrong` sees to it that no setting is forgotten. */
const NO_NUMBER = ['x', '-1', ' ', '0x10', '1e3', 'Infinity', 'NaN', '1,5', '99999999999999999999']
const WRONG: Readonly<Record<string, readonly string[]>> = {
  PADBORG_HOST: [' ', 'http://0.0.0.0', '127.0.0.1:1883', '[::1]', 'a b', '-a', '0.0.0.0/0'],
  PADBORG_MQTT_PORT: [...NO_NUMBER, '65536', '1.5', 'on', 'OFF'],
  PADBORG_MQTTS_PORT: ['65536'],
  PADBORG_MQTT_WS_PORT: ['true'],
  PADBORG_HTTP_PORT: ['8080/tcp'],
  PADBORG_DATA_DIR: [' ', 'a\u0000b'],
  PADBORG_ADMIN_KEY: [
    'short',
    'a'.repeat(32),
    ' '.repeat(20),
    'sixteen letters and spaces',
    'æøåæøåæøåæøåæøåæøå',
  ],
  PADBORG_TLS_CERT: [' '],
  PADBORG_TLS_KEY: [' '],
  PADBORG_TLS_CLIENT_CA: [' '],
  PADBORG_STORE: ['influx', 'duckdb', 'postgres:'],
  INFLUX_URL: ['x', '127.0.0.1:8086', 'ftp://a', 'http://u:p@a', 'http://a/?db=x', 'http://'],
  INFLUX_BUCKET: [' '],
  INFLUX_ORG: [' '],
  INFLUX_TOKEN: [' '],
  INFLUX_DATABASE: [' '],
  INFLUX_USERNAME: [' '],
  INFLUX_PASSWORD: [' '],
  PADBORG_MQTT_URL: ['x', 'broker:1883', 'http://a', 'mqtt://', 'mqtt://a?b', 'ws://a'],
  PADBORG_MQTT_SHARE: ['a/b', 'a+', '#', 'a b', 'x'.repeat(201)],
  PADBORG_MQTT_TOPICS: ['a/#/b', 'a+', 'b#', 'a,,b', ',', 'a/+b', 'a\u0000'],
  PADBORG_REGISTRY: [' ', 'a\u0000b'],
  PADBORG_RFMS_FILE: [' ', 'a\u0000b'],
  PADBORG_INGEST_URL: [
    'x',
    '127.0.0.1:8090',
    'http://a,',
    'http://u:p@a',
    'http://a?b',
    'mqtt://a',
  ],
  PADBORG_INGEST_PORT: [...NO_NUMBER, '65536'],
  PADBORG_INGEST_SECRET: ['short', 'x'.repeat(31), 'thirty-two characters with blanks in it'],
  PADBORG_INGEST_TLS: ['on', 'AUTO'],
  PADBORG_TIMEZONE: ['Denmark/Padborg', 'CEST+1', ' '],
  PADBORG_LOG_LEVEL: ['loud', 'INFO', 'silent'],
  PADBORG_FAULT: ['yes', 'early-ack,no-fsync'],
}

describe('the configuration', () => {
  it('is complete and valid when nothing is set, and an empty value means not set', () => {
    const { config, problems } = readConfig({})
    expect(problems).toEqual([])
    expect(config).toMatchObject({
      platform: { dataDir: './data', shutdownMs: 20_000, fault: 'none' },
      listeners: { host: '127.0.0.1', mqtt: 1883, mqtts: 'off', mqttWs: 1884, http: 8080 },
      store: { url: 'duckdb:' },
      ingest: { timezone: 'Europe/Copenhagen' },
      retention: {
        fleetDays: 90,
        meteringDays: 3650,
        minuteDays: 90,
        hourDays: 1825,
        rejectionDays: 90,
      },
      journal: { keepHours: 48, windowMs: 2, keepBytes: 8 * 2 ** 30 },
      broker: { maxPacketBytes: 256 * 1024 },
    })
    expect(config?.platform.adminKey).toBeUndefined()
    expect(readConfig(Object.fromEntries(NAMES.map((name) => [name, '']))).config).toEqual(config)
    expect(readConfig({ PATH: '/bin', INFLUX_HOST: 'x', NODE_ENV: 'y' }).config).toEqual(config)
  })

  it('takes numbers with blanks around them, off, 0 and fractions of a day', () => {
    const { config } = readConfig({
      PADBORG_MQTT_PORT: ' 1999 ',
      PADBORG_MQTT_WS_PORT: 'off',
      PADBORG_HTTP_PORT: '0',
      PADBORG_RETENTION_FLEET_DAYS: '0.5',
      PADBORG_HOST: '::1',
      PADBORG_ADMIN_KEY: 'pbk_0123456789abcdef',
    })
    expect(config).toMatchObject({
      listeners: { mqtt: 1999, mqttWs: 'off', http: 0, host: '::1' },
      retention: { fleetDays: 0.5 },
    })
    for (const PADBORG_HOST of [
      '0.0.0.0',
      'localhost',
      'broker-1.padborg.example',
      '::',
      'fe80::1%eth0',
    ]) {
      expect(linesFor({ PADBORG_HOST })).toEqual([])
    }
  })

  it.each(NAMES)(
    'refuses wrong values of %s in one line with what came and what is expected',
    (name) => {
      for (const value of WRONG[name] ?? NO_NUMBER) {
        const lines = linesFor({ [name]: value })
        expect(lines, `${name}=${JSON.stringify(value)}`).toHaveLength(1)
        expect(lines[0]).toMatch(new RegExp(`^${name}=.*: expected .+`))
        expect(lines[0]).not.toMatch(/Invalid input|received|undefined|Too (big|small)/)
        expect(lines[0]).not.toContain('\n')
      }
    },
  )

  it('names the bounds of a number', () => {
    expect(linesFor({ PADBORG_MQTT_PORT: '70000' })).toEqual([
      'PADBORG_MQTT_PORT=70000: expected a whole number from 0 to 65535 (0 takes any free port), or off',
    ])
    expect(linesFor({ PADBORG_QUERY_CONCURRENCY: '17' })[0]).toMatch(/a whole number from 1 to 16$/)
    expect(linesFor({ PADBORG_RETENTION_FLEET_DAYS: '0' })[0]).toMatch(
      /a number from 0.001 to 36500$/,
    )
  })

  it('shows the value on one line, cut short', () => {
    const [line = ''] = linesFor({ PADBORG_LOG_LEVEL: `a\nb\u001b[31m${'x'.repeat(1000)}` })
    expect(line).not.toMatch(/\p{Cc}/u)
    expect(line.length).toBeLessThan(250)
  })

  it('reports everything at once: wrong, unknown and contradicting', () => {
    const lines = linesFor({
      PADBORG_HTTP_PORT: 'web',
      PADBORG_LOG_LEVEL: 'loud',
      PADBORG_MQTT_PROT: '1883',
      PADBORG_MQTTS_PORT: '8883',
      PADBORG_MQTT_WS_PORT: '1883',
    })
    const named = lines.map((line) => line.split('=')[0] ?? '').toSorted()
    expect(named).toEqual([
      'PADBORG_HTTP_PORT',
      'PADBORG_LOG_LEVEL',
      'PADBORG_MQTT_PROT',
      'PADBORG_MQTT_WS_PORT',
      'PADBORG_TLS_CERT',
      'PADBORG_TLS_KEY',
    ])
  })

  it.each([
    ['PADBORG_MQTT_PROT', 'PADBORG_MQTT_PORT'],
    ['PADBORG_HTTPPORT', 'PADBORG_HTTP_PORT'],
    ['PADBORG_DATADIR', 'PADBORG_DATA_DIR'],
    ['PADBORG_TIME_ZONE', 'PADBORG_TIMEZONE'],
    ['PADBORG_RETENTION_FLEET', 'PADBORG_RETENTION_FLEET_DAYS'],
    ['PADBORG_LOGLEVEL', 'PADBORG_LOG_LEVEL'],
    ['PADBORG_ADMIN_KEYS', 'PADBORG_ADMIN_KEY'],
    ['PADBORG_MAX_CONNECTIONS', 'PADBORG_MQTT_MAX_CONNECTIONS'],
  ])('suggests for %s the setting %s', (wrong, right) => {
    expect(linesFor({ [wrong]: '1' })[0]).toContain(`did you mean ${right}?`)
  })

  it('suggests nothing for a name that resembles no setting', () => {
    for (const name of ['PADBORG_', 'PADBORG_X', 'PADBORG_SHOE_SIZE']) {
      expect(linesFor({ [name]: '1' })).toEqual([
        `${name}=1: there is no such setting; .env.example lists them all`,
      ])
    }
  })

  it('never shows a secret, also not under a misspelt name', () => {
    const secret = 'hush hush hush hush'
    for (const name of [
      'PADBORG_ADMIN_KEY',
      'PADBORG_ADMINKEY',
      'PADBORG_KEY',
      'PADBORG_PASSWORD',
    ]) {
      const [line = ''] = linesFor({ [name]: secret })
      expect(line).toContain(`${name}=(secret): `)
      expect(line).not.toContain('hush')
    }
  })

  it('refuses settings that contradict each other', () => {
    const tls = { PADBORG_MQTTS_PORT: '8883', PADBORG_TLS_CERT: 'cert.pem' }
    expect(linesFor(tls)).toEqual([
      'PADBORG_TLS_KEY=: expected a PEM file because PADBORG_MQTTS_PORT is set',
    ])
    expect(linesFor({ ...tls, PADBORG_TLS_KEY: 'key.pem' })).toEqual([])
    expect(linesFor({ PADBORG_HTTP_PORT: '1883' })).toEqual([
      'PADBORG_HTTP_PORT=1883: PADBORG_MQTT_PORT has the same port; give each its own',
    ])
    const off = { PADBORG_MQTT_PORT: 'off', PADBORG_MQTT_WS_PORT: 'off' }
    expect(linesFor({ ...off, PADBORG_HTTP_PORT: 'off' })).toEqual([])
    const free = { PADBORG_MQTT_PORT: '0', PADBORG_MQTT_WS_PORT: '0', PADBORG_HTTP_PORT: '0' }
    expect(linesFor(free)).toEqual([])
    expect(linesFor({ PADBORG_MQTT_MAX_IN_FLIGHT: '100' })[0]).toMatch(
      /^PADBORG_MQTT_MAX_IN_FLIGHT_PER_CLIENT=2000: expected at most 100/,
    )
  })

  it('refuses an InfluxDB, a foreign broker and split roles that lack a required setting', () => {
    const influx = { PADBORG_STORE: 'influx:', INFLUX_URL: 'http://127.0.0.1:8086/' }
    expect(readConfig({ ...influx, INFLUX_BUCKET: 'b' }).config).toMatchObject({
      influx: { url: 'http://127.0.0.1:8086', timeoutMs: 10_000 },
    })
    const first = (env: Readonly<Record<string, string>>) => linesFor(env)[0]
    expect(first({ PADBORG_STORE: 'influx:', INFLUX_BUCKET: 'b' })).toMatch(
      /^INFLUX_URL=: expected/,
    )
    expect(first(influx)).toMatch(/^INFLUX_BUCKET=: expected a bucket .* or INFLUX_DATABASE/)
    const both = { ...influx, INFLUX_BUCKET: 'b', INFLUX_DATABASE: 'd' }
    expect(first(both)).toMatch(/^INFLUX_DATABASE=d: expected either .* got both; leave out/)
    const v1 = { ...influx, INFLUX_DATABASE: 'd' }
    expect(first({ ...v1, INFLUX_USERNAME: 'u' })).toMatch(/^INFLUX_PASSWORD=: expected/)
    expect(first({ ...v1, INFLUX_PASSWORD: 'p' })).toMatch(/^INFLUX_USERNAME=: expected/)
    expect(linesFor({ INFLUX_BUCKET: 'b', INFLUX_DATABASE: 'd' })).toEqual([])

    for (const name of ['PADBORG_MQTT_SHARE', 'PADBORG_MQTT_TOPICS']) {
      expect(first({ [name]: 'a' })).toMatch(new RegExp(`^${name}=a: expected PADBORG_MQTT_URL`))
    }
    const foreign = { PADBORG_MQTT_URL: 'mqtts://u:p@b:8883', PADBORG_MQTT_TOPICS: 'a/+/b, c/#' }
    expect(readConfig(foreign).config?.foreignBroker.topics).toEqual(['a/+/b', 'c/#'])
    expect(linesFor({ PADBORG_MQTT_URL: 'mqtt://u:hush@b/?x' }).join()).not.toContain('hush')

    const secret = { PADBORG_INGEST_SECRET: 'x'.repeat(32) }
    const one = { PADBORG_INGEST_URL: 'http://127.0.0.1:8090' }
    expect(first(one)).toBe(
      'PADBORG_INGEST_SECRET=: expected the secret that both sides share, because ' +
        'PADBORG_INGEST_URL is set',
    )
    expect(first({ PADBORG_INGEST_PORT: '8090' })).toMatch(/^PADBORG_INGEST_SECRET=: .*PORT is set/)
    expect(linesFor({ ...one, ...secret, PADBORG_INGEST_PORT: '8090' })).toEqual([])
    const twice = { PADBORG_INGEST_URL: 'http://[::1]:1, http://[::1]:1/' }
    expect(first({ ...twice, ...secret })).toMatch(/^PADBORG_INGEST_URL=.* got one twice/)
  })

  it('requires TLS between split roles beyond one machine, unless it is turned off', () => {
    const secret = { PADBORG_INGEST_SECRET: 'x'.repeat(32) }
    const off = { PADBORG_INGEST_TLS: 'off' }
    const far = { ...secret, PADBORG_INGEST_URL: 'http://localhost:1,http://10.0.0.7:1' }
    expect(linesFor(far)[0]).toMatch(
      /^PADBORG_INGEST_URL=.*: expected https: for http:..10.0.0.7:1/,
    )
    expect(linesFor({ ...far, ...off })).toEqual([])
    expect(linesFor({ ...secret, PADBORG_INGEST_URL: 'https://intake.example' })).toEqual([])
    const open = { ...secret, PADBORG_INGEST_PORT: '8090', PADBORG_HOST: '0.0.0.0' }
    expect(linesFor(open).map((line) => line.split('=')[0])).toEqual([
      'PADBORG_TLS_CERT',
      'PADBORG_TLS_KEY',
    ])
    expect(linesFor({ ...open, ...off })).toEqual([])
    expect(linesFor({ ...open, PADBORG_TLS_CERT: 'c.pem', PADBORG_TLS_KEY: 'k.pem' })).toEqual([])
  })

  it('says of a wrong setting what is wrong, and not also that it is missing', () => {
    const env = { PADBORG_INGEST_URL: 'http://[::1]:1', PADBORG_INGEST_SECRET: 'short' }
    expect(linesFor(env)).toEqual([
      'PADBORG_INGEST_SECRET=(secret): expected at least 32 letters, digits and signs of ASCII, ' +
        'without blanks',
    ])
  })

  it('throws CONFIG_INVALID with all lines for a caller without a terminal', () => {
    expect(requireConfig({}).listeners.mqtt).toBe(1883)
    const act = () => requireConfig({ PADBORG_MQTT_PORT: 'x', PADBORG_HTTP_PORT: 'y' })
    expect(act).toThrow(PlatformError)
    expect(act).toThrow(/PADBORG_MQTT_PORT=x.*\n.*PADBORG_HTTP_PORT=y/)
  })
})

describe('.env.example', () => {
  it('names every setting once, with its sentence and its default', () => {
    const text = exampleEnvironment()
    const offered = [...text.matchAll(/^# ([A-Z]\w+)=/gm)].map(([, name]) => name)
    expect(offered).toEqual(NAMES.filter((name) => name !== 'PADBORG_FAULT'))
    for (const [name, { about }] of Object.entries(SETTINGS)) {
      expect(about, name).toMatch(/^[A-Z].*\.$/)
      const isOffered = text.includes(`# ${about}\n# ${name}=`)
      expect(isOffered, name).toBe(name !== 'PADBORG_FAULT')
    }
    const inUse = parseEnv(text.replaceAll(/^# (?=[A-Z]+_\w+=)/gm, ''))
    expect(readConfig(inUse).config).toEqual(readConfig({}).config)
    expect(parseEnv(text)).toEqual({})
    expect(text.endsWith('\n')).toBe(true)
  })
})
