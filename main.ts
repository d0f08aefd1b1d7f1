import { setFlagsFromString } from 'node:v8'
import './node-version.mjs'
import {
  HEAP_GROWING_PERCENT,
  NICENESS,
  UV_THREADPOOL_SIZE,
} from '#lib/runtime/threads/process-flags.ts'

setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
// libuv reads the size of its pool when the pool is first used: everything else is loaded only below.
process.env['UV_THREADPOOL_SIZE'] ??= String(UV_THREADPOOL_SIZE)

const { EXIT, UsageError } = await import('#lib/runtime/command.ts')
const { stat } = await import('node:fs/promises')
const { lowerSharedPriority } = await import('#lib/runtime/threads/priority.ts')
const { runPlatform } = await import('./platform/platform.ts')
const { readSettings } = await import('./platform/read-settings.ts')

lowerSharedPriority('node-V8Worker', NICENESS.v8Helpers)
// The pool starts its threads with its first work.
await stat('.')
lowerSharedPriority('libuv-worker', NICENESS.libuvPool)

const HELP = `npm start -- [--check] [broker] [ingest] [api]

The platform: all roles, or those that are named. Settings come from the environment and from .env;
.env.example has them all. When everything listens, it writes one line of JSON to standard output.

Options:
  --check   only checks the settings, prints every problem, and ends with 0 or 1
  --help    this text

Examples:
  npm start
  npm start -- --check
  npm start -- broker ingest
`

/**
 * `node main.ts [--check] [broker] [ingest] [api]`: exits with 0 after an orderly end, 2 for wrong
 * arguments, else 1.
 */
async function main(args: readonly string[]): Promise<number> {
  const printError = (line: string) => void process.stderr.write(`${line}\n`)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP)
    return 0
  }
  try {
    const { config, roles, check, problems } = readSettings(args, process.env)
    if (!config || problems.length > 0) {
      for (const problem of problems) printError(problem)
      return EXIT.failed
    }
    if (check) {
      printError('The configuration is valid.')
      return 0
    }
    const print = (line: string) => void process.stdout.write(`${line}\n`)
    const exit = (code: number) => process.exit(code)
    return await runPlatform({ config, roles }, { print, printError, exit })
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    printError(`${error.message}\nSee npm start -- --help.`)
    return EXIT.usage
  }
}

process.exit(await main(process.argv.slice(2)))
