import { parseArgs } from 'node:util'
import { readRunFile } from '#lib/runtime/data-dir.ts'
import { messageOf } from '#lib/runtime/errors.ts'

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

export const USAGE = `npm run simulate -- <scenario> [options]
npm run simulate -- replay --trace <file> [options]

  --devices N     devices of the fleet (20)
  --rate R        messages per second, all devices together (100)
  --seconds S     how long (10)
  --seed N        random seed of what the devices do (1)
  --tenant ID     whose devices they are, created if absent (simulation)
  --mark TEXT     prefix of every id (made of the start time)
  --url URL       MQTT, such as mqtt://127.0.0.1:1883
  --api URL       HTTP, such as http://127.0.0.1:8080
  --key KEY       an admin key, or one of an operator of the tenant
  --data-dir DIR  takes all three from the platform that runs on this directory (./data)

  --trace FILE    a recording (CSV) to replay
  --speed F       times real time; without it as fast as acknowledgements allow
  --keep-times    the times of the recording; else its last row is moved to now
  --remove        deletes the device at the end; without it the device is kept
`

const OPTIONS = {
  devices: { type: 'string', default: '20' },
  rate: { type: 'string', default: '100' },
  seconds: { type: 'string', default: '10' },
  seed: { type: 'string', default: '1' },
  tenant: { type: 'string', default: 'simulation' },
  mark: { type: 'string' },
  url: { type: 'string' },
  api: { type: 'string' },
  key: { type: 'string' },
  'data-dir': { type: 'string', default: './data' },
  trace: { type: 'string' },
  speed: { type: 'string' },
  'keep-times': { type: 'boolean', default: false },
  remove: { type: 'boolean', default: false },
} as const

/** The arguments, or the problems with them, one line each. */
export function readArguments(args: readonly string[]): SimulateArguments | string[] {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    return checked(values, positionals)
  } catch (error) {
    return [messageOf(error)]
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

function checked(values: Values, [scenario, ...more]: string[]): SimulateArguments | string[] {
  const problems = more.map((word) => `${word}: expected one scenario, got one more`)
  const number = (name: 'devices' | 'rate' | 'seconds' | 'seed', min: number) => {
    const value = Number(values[name])
    if (!(value >= min && Number.isFinite(value))) {
      problems.push(`--${name} ${values[name]}: expected a number of at least ${min}`)
    }
    return value
  }
  const speed = values.speed === undefined ? null : Number(values.speed)
  if (speed !== null && !(speed > 0)) {
    problems.push(`--speed ${values.speed}: expected a number above 0`)
  }
  if (scenario === undefined) problems.push('expected a scenario, got none')
  if (scenario === 'replay' && values.trace === undefined) {
    problems.push('replay: expected --trace <file>, got none')
  }
  const given = {
    devices: Math.round(number('devices', 1)),
    rate: number('rate', 0.001),
    seconds: number('seconds', 0.001),
    seed: number('seed', 0),
  }
  const { url, api, key } = values
  const target = targetOf({ url, api, key, dataDir: values['data-dir'] })
  if (Array.isArray(target)) problems.push(...target)
  if (problems.length > 0 || Array.isArray(target) || scenario === undefined) return problems
  const { tenant, mark = null, trace = null, remove } = values
  const keepTimes = values['keep-times']
  return { ...given, target, scenario, tenant, mark, trace, speed, keepTimes, remove }
}

interface GivenTarget {
  readonly url: string | undefined
  readonly api: string | undefined
  readonly key: string | undefined
  readonly dataDir: string
}

/** The given addresses and key, completed from the run file of the data directory. */
export function targetOf({ url, api, key, dataDir }: GivenTarget): Target | string[] {
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
