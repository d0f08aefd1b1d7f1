import { UsageError, type Given } from '#lib/runtime/command.ts'
import { readRunFile } from '#lib/runtime/data-dir.ts'
import { SCENARIOS } from './scenarios/catalogue.ts'

/** Where the platform is and how to speak to it. */
export interface Target {
  readonly mqttUrl: string
  readonly apiUrl: string
  readonly key: string
}

export interface SimulateArguments {
  readonly target: Target
  readonly scenario: string
  readonly tenant: string
  readonly mark: string | null
  readonly devices: number
  readonly rate: number
  readonly seconds: number
  readonly seed: number
  readonly trace: string | null
  readonly speed: number | null
  readonly keepTimes: boolean
  readonly remove: boolean
}

/** Options that say where a platform is. */
export const TARGET_OPTIONS = {
  url: { value: 'URL', about: 'MQTT, such as mqtt://127.0.0.1:1883' },
  api: { value: 'URL', about: 'HTTP, such as http://127.0.0.1:8080' },
  key: { value: 'KEY', about: 'an admin key, or one of an operator of the tenant' },
  'data-dir': {
    value: 'DIR',
    about: 'takes all three from the platform that runs on this directory',
    default: './data',
  },
} as const

export const COMMAND = {
  name: 'simulate',
  summary:
    'A simulated fleet against a running platform, and whether every message is accounted for.',
  words: '<scenario>',
  options: {
    devices: { value: 'N', about: 'devices of the fleet', default: '20' },
    rate: { value: 'R', about: 'messages per second, all devices together', default: '100' },
    seconds: { value: 'S', about: 'how long', default: '10' },
    seed: { value: 'N', about: 'random seed of what the devices do', default: '1' },
    tenant: {
      value: 'ID',
      about: 'whose devices they are, created if absent',
      default: 'simulation',
    },
    mark: { value: 'TEXT', about: 'prefix of every id; made of the start time without it' },
    ...TARGET_OPTIONS,
    trace: { value: 'FILE', about: 'replay: the recording (CSV)' },
    speed: {
      value: 'F',
      about: 'replay: times real time; without it as fast as acknowledgements allow',
    },
    'keep-times': {
      about: 'replay: the times of the recording; else its last row is moved to now',
    },
    remove: { about: 'replay: deletes the device at the end; without it the device is kept' },
  },
  examples: [
    'mixed --devices 50 --rate 200 --seconds 60',
    'fleet --api https://telemetry.example.dk --url mqtts://telemetry.example.dk:8883 --key pbk_...',
    'replay --trace recording.csv --speed 10',
  ],
  notes: () =>
    ['Scenarios:', ...SCENARIOS.map(({ name, about }) => `  ${name.padEnd(14)}  ${about}`)].join(
      '\n',
    ),
} as const

type Name = keyof typeof COMMAND.options

/** Throws UsageError. */
export function simulateArguments({ texts, switches, words }: Given<Name>): SimulateArguments {
  const [scenario, ...more] = words
  const problems = more.map((word) => `${word}: expected one scenario, got one more`)
  const number = (name: 'devices' | 'rate' | 'seconds' | 'seed', min: number) => {
    const value = Number(texts[name])
    if (!(value >= min && Number.isFinite(value))) {
      problems.push(`--${name} ${texts[name]}: expected a number of at least ${min}`)
    }
    return value
  }
  const speed = texts.speed === undefined ? null : Number(texts.speed)
  if (speed !== null && !(speed > 0)) {
    problems.push(`--speed ${texts.speed}: expected a number above 0`)
  }
  const names = [...SCENARIOS.map(({ name }) => name), 'replay']
  if (scenario === undefined || !names.includes(scenario)) {
    problems.push(`expected one of ${names.join(', ')}, got ${scenario ?? 'none'}`)
  }
  if (scenario === 'replay' && texts.trace === undefined) {
    problems.push('replay: expected --trace <file>, got none')
  }
  const given = {
    devices: Math.round(number('devices', 1)),
    rate: number('rate', 0.001),
    seconds: number('seconds', 0.001),
    seed: number('seed', 0),
  }
  const target = targetOf(texts)
  if (Array.isArray(target)) problems.push(...target)
  if (problems.length > 0 || Array.isArray(target) || scenario === undefined) {
    throw new UsageError(...problems)
  }
  const { tenant = '', mark = null, trace = null } = texts
  const [keepTimes, remove] = [switches.has('keep-times'), switches.has('remove')]
  return { ...given, target, scenario, tenant, mark, trace, speed, keepTimes, remove }
}

type GivenTarget = Readonly<Partial<Record<keyof typeof TARGET_OPTIONS, string>>>

/** The given addresses and key, completed from the run file of the data directory. */
export function targetOf({ url, api, key, ...rest }: GivenTarget): Target | string[] {
  const dataDir = rest['data-dir'] ?? './data'
  const run = readRunFile(dataDir)
  const local = (scheme: string, port: string | number | undefined) =>
    port === undefined ? undefined : `${scheme}://127.0.0.1:${port}`
  const mqttUrl = url ?? local('mqtt', run?.addresses['mqtt'])
  const apiUrl = api ?? local('http', run?.addresses['http'])
  // The token of this directory must not be sent to another platform.
  const token = key ?? (api === undefined ? run?.token : undefined)
  if (mqttUrl && apiUrl && token) return { mqttUrl, apiUrl, key: token }
  const missing = [mqttUrl ? [] : ['--url'], apiUrl ? [] : ['--api'], token ? [] : ['--key']].flat()
  return [
    `${missing.join(', ')}: expected the address and key of a platform, or a platform that runs on ` +
      `--data-dir ${dataDir}; got neither`,
  ]
}
