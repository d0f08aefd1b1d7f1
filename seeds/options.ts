import { parseArgs } from 'node:util'
import { messageOf } from '#lib/runtime/errors.ts'
import { targetOf, type Target } from '../simulators/options.ts'

export interface SeedArguments {
  readonly command: 'seed' | 'live'
  readonly target: Target
  readonly seed: number
  readonly again: boolean
}

export const USAGE = `npm run seed -- [options]

  --data-dir DIR  the platform that runs on this directory (./data)
  --url URL       MQTT, such as mqtt://127.0.0.1:1883; --api URL, --key KEY: any other platform
  --seed N        random seed of what the devices have done (1)
  --again         also sends what the platform has already; it counts as duplicate
`

const OPTIONS = {
  url: { type: 'string' },
  api: { type: 'string' },
  key: { type: 'string' },
  'data-dir': { type: 'string', default: './data' },
  seed: { type: 'string', default: '1' },
  again: { type: 'boolean', default: false },
} as const

/** The arguments, or the problems with them, one line each. */
export function readArguments(args: readonly string[]): SeedArguments | string[] {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    const [command = 'seed', ...more] = positionals
    const problems = more.map((word) => `${word}: expected options only`)
    if (command !== 'seed' && command !== 'live') {
      problems.push(`${command}: expected seed or live`)
    }
    const seed = Number(values.seed)
    if (!Number.isSafeInteger(seed) || seed < 0) {
      problems.push(`--seed ${values.seed}: expected a whole number from 0`)
    }
    const { url, api, key, again } = values
    const target = targetOf({ url, api, key, dataDir: values['data-dir'] })
    if (Array.isArray(target)) return [...problems, ...target]
    if (problems.length > 0) return problems
    return { command: command === 'live' ? 'live' : 'seed', target, seed, again }
  } catch (error) {
    return [messageOf(error)]
  }
}
