import { UsageError, type Given } from '#lib/runtime/command.ts'
import { TARGET_OPTIONS, targetOf, type Target } from '../simulators/options.ts'

export interface SeedArguments {
  readonly command: 'seed' | 'live'
  readonly target: Target
  readonly seed: number
  readonly again: boolean
}

export const COMMAND = {
  name: 'seed',
  summary:
    'Puts the Padborg testbed with its history into a running platform; the word live lets its ' +
    'devices act until Ctrl-C.',
  words: '[live]',
  options: {
    ...TARGET_OPTIONS,
    seed: { value: 'N', about: 'random seed of what the devices have done', default: '1' },
    again: { about: 'also sends what the platform has already; it counts as duplicate' },
  },
  examples: ['', 'live', '--api http://127.0.0.1:8080 --url mqtt://127.0.0.1:1883 --key pbk_...'],
} as const

type Name = keyof typeof COMMAND.options

/** Throws UsageError. */
export function seedArguments({ texts, switches, words }: Given<Name>): SeedArguments {
  const [command = 'seed', ...more] = words
  const problems = more.map((word) => `${word}: expected options only`)
  if (command !== 'seed' && command !== 'live') {
    problems.push(`${command}: expected live, or no word`)
  }
  const seed = Number(texts.seed)
  if (!Number.isSafeInteger(seed) || seed < 0) {
    problems.push(`--seed ${texts.seed}: expected a whole number from 0`)
  }
  const target = targetOf(texts)
  if (Array.isArray(target)) problems.push(...target)
  if (problems.length > 0 || Array.isArray(target)) throw new UsageError(...problems)
  return {
    command: command === 'live' ? 'live' : 'seed',
    target,
    seed,
    again: switches.has('again'),
  }
}
