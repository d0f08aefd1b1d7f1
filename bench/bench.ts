import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasProgram } from '../tests/support/influxd.ts'
import type { BenchContext } from './context.ts'
import { createGenerator } from './load/generator.ts'
import { machineFacts } from './machine.ts'
import { OPTIONS_HELP, readOptions, type BenchOptions } from './options.ts'
import { SECTIONS, wantedSections } from './sections/catalogue.ts'
import type { Section } from './sections/section.ts'

/*
 * Speed and memory, beside plain Aedes and the peer pipeline in the same run, or beside another
 * checkout. Load is open loop: a stall is charged to every message that was due. Progress goes to
 * standard error, results as JSON to standard output.
 */

const DEFAULT_RATE_PER_S = 20_000

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions
  let sections: readonly Section[]
  try {
    options = readOptions(args)
    sections = wantedSections(options)
  } catch (error) {
    print(`${error instanceof Error ? error.message : String(error)}\nSee --help.`)
    return 2
  }
  if (options.help) {
    process.stdout.write(`${usage()}\n`)
    return 0
  }
  const dir = mkdtempSync(join(tmpdir(), 'padborg-bench-'))
  try {
    const context = createContext(options, dir)
    if (sections.some(({ needsLoad }) => needsLoad) && !prepareLoad(context)) return 2
    const results: Record<string, unknown> = { machine: machineFacts() }
    for (const section of sections) results[section.name] = await section.run(context)
    process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
    return 0
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function createContext(options: BenchOptions, dir: string): BenchContext {
  const canRunPeer = ['influxd', 'mosquitto'].every(hasProgram)
  let runs = 0
  return {
    options,
    generator: createGenerator(join(dir, 'mqload')),
    ratePerS: options.rate ?? DEFAULT_RATE_PER_S,
    peerTools: options.besidePeer && canRunPeer ? options.tools : null,
    freshDir() {
      runs += 1
      const path = join(dir, `run-${runs}`)
      mkdirSync(path)
      return path
    },
    report: (line) => print(typeof line === 'string' ? line : JSON.stringify(line)),
  }
}

/** False where the load generator cannot be built. */
function prepareLoad({ generator, options, peerTools }: BenchContext): boolean {
  if (!generator.build(options.tools)) {
    print('The load generator is missing: give its folder with --tools <dir> (gcc builds it).')
    return false
  }
  if (options.besidePeer && options.against === null && peerTools === null) {
    print('The peer pipeline is left out: it needs influxd and mosquitto.')
  }
  return true
}

function usage(): string {
  const width = Math.max(...SECTIONS.map(({ name }) => name.length)) + 2
  const sections = SECTIONS.map(
    ({ name, summary, needsLoad }) =>
      `  ${name.padEnd(width)}${summary}${needsLoad ? '; needs --tools' : ''}`,
  )
  return [
    'npm run bench -- [options]',
    '',
    'sections:',
    ...sections,
    '',
    OPTIONS_HELP,
    EXAMPLES,
  ].join('\n')
}

const EXAMPLES = `examples:
  npm run bench -- --only idle,startup
  npm run bench -- --tools ../tools --runs 5
  npm run bench -- --against ../earlier --tools ../tools
`

function print(text: string): void {
  process.stderr.write(`${text}\n`)
}

process.exitCode = await main(process.argv.slice(2))
