import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { EXIT, UsageError, runCommand, type Given, type Outcome } from '#lib/runtime/command.ts'

const ROOT = join(import.meta.dirname, '..')

interface Part {
  readonly about: string
  readonly files: readonly string[]
  /** The size, as the tests read it; a value that is set already stays. */
  readonly sizes: Readonly<Record<string, string>>
}

/** The same tests as in `npm test`, at a size that takes minutes to an hour. */
const PARTS: Readonly<Record<string, Part>> = {
  properties: {
    about: 'every property and the payload fuzz, twenty times as often',
    files: ['tests/unit/', 'tests/property/'],
    sizes: { RUNS_TIMES: '20' },
  },
  kills: {
    about: 'the platform killed 100 times under load',
    files: ['tests/system/kill.test.ts'],
    sizes: { KILL_ROUNDS: '100' },
  },
  sessions: {
    about:
      'a million steps of MQTT sessions against their model, 200 000 connections of wrong bytes',
    files: [
      'tests/integration/broker/session-model.test.ts',
      'tests/integration/broker/packet-fuzz.test.ts',
    ],
    sizes: { SESSION_STEPS: '1000000', FUZZ_CONNECTIONS: '200000' },
  },
  outages: {
    about: 'each outage of InfluxDB for 60 s at 1000 messages/s, the slow server at 20 s',
    files: ['tests/system/influx-outage.test.ts'],
    sizes: { OUTAGE_SECONDS: '60', OUTAGE_RATE: '1000', OUTAGE_SLOW_MS: '20000' },
  },
  stores: {
    about: 'a whole day in both stores, compared query by query',
    files: ['tests/system/two-stores.test.ts'],
    sizes: { TWO_STORES: 'day' },
  },
}

const COMMAND = {
  name: 'long',
  summary:
    'The tests that take longer than all others together: an hour and more on two cores. SEED=... ' +
    'repeats a run.',
  options: { only: { value: 'PART,...', about: 'these parts; all without it' } },
  examples: ['', '--only kills,properties'],
  notes: () =>
    [
      'Parts:',
      ...Object.entries(PARTS).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`),
      '',
      'Sizes are environment variables, and yours win: ' +
        Object.values(PARTS)
          .flatMap(({ sizes }) => Object.keys(sizes))
          .join(', '),
    ].join('\n'),
} as const

/** The exit code is that of the tests. */
function longTests({ texts }: Given<'only'>): Outcome {
  const names = texts.only?.split(',') ?? Object.keys(PARTS)
  const unknown = names.filter((name) => !Object.hasOwn(PARTS, name))
  if (unknown.length > 0) {
    const known = Object.keys(PARTS).join()
    throw new UsageError(`--only ${unknown.join()}: expected some of ${known}`)
  }
  const parts = names.flatMap((name) => PARTS[name] ?? [])
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project=long']
  const { status } = spawnSync(
    process.execPath,
    ['--import', './node-version.mjs', ...vitest, ...parts.flatMap(({ files }) => files)],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...Object.assign({}, ...parts.map(({ sizes }) => sizes)), ...process.env },
    },
  )
  return { code: status ?? EXIT.failed }
}

process.exitCode = await runCommand(COMMAND, process.argv.slice(2), longTests)
