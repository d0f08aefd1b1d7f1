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

const { stat } = await import('node:fs/promises')
const { lowerSharedPriority } = await import('#lib/runtime/threads/priority.ts')
const { runPlatform } = await import('./platform/platform.ts')
const { readSettings } = await import('./platform/read-settings.ts')

lowerSharedPriority('node-V8Worker', NICENESS.v8Helpers)
// The pool starts its threads with its first work.
await stat('.')
lowerSharedPriority('libuv-worker', NICENESS.libuvPool)

/** `node main.ts [--check] [broker] [ingest] [api]`: exits with 0 after an orderly end, else 1. */
async function main(): Promise<number> {
  const printError = (line: string) => void process.stderr.write(`${line}\n`)
  const { config, roles, check, problems } = readSettings(process.argv.slice(2), process.env)
  if (!config || problems.length > 0) {
    for (const problem of problems) printError(problem)
    return 1
  }
  if (check) {
    printError('The configuration is valid.')
    return 0
  }
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  const exit = (code: number) => process.exit(code)
  return await runPlatform({ config, roles }, { print, printError, exit })
}

process.exit(await main())
