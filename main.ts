import { setFlagsFromString } from 'node:v8'
import './node-version.mjs'

// What a message leaves behind is garbage within a batch; left alone, V8 lets the heap of each thread grow
// to several times what is alive. 100 was 60 MiB less at 14 000 messages/s for some 2 % more CPU, 80 is 10 less still.
setFlagsFromString('--heap-growing-percent=80')

// First of all: DuckDB's queries, files and password hashing share libuv's pool, whose size is read when
// it is first used; each of its threads keeps memory of DuckDB. Everything else is loaded only below.
process.env['UV_THREADPOOL_SIZE'] ??= '8'

const { stat } = await import('node:fs/promises')
const { readSettings, runPlatform } = await import('./platform/platform.ts')
const { yieldShared } = await import('#lib/runtime/threads/priority.ts')

// Sockets and the journal's syncs go first. The garbage of the ingest thread is collected by as many
// threads as there are processors, 13 times a second at 20 000 messages/s: PUBACK p99 at 10 000/s is 16 ms
// with it, 28 without. At 20 000/s beside 60 questions a second it is 29 ms where those stand back too, 50 else.
yieldShared('node-V8Worker', 10)
// The pool has its threads from the first work on.
await stat('.')
yieldShared('libuv-worker', 10)

/** `node main.ts [--check] [broker] [ingest] [api]`: exits with 0 after an orderly end, else 1. */
async function main(): Promise<number> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const { config, roles, check, problems } = readSettings(process.argv.slice(2), process.env)
  if (!config || problems.length > 0) {
    for (const problem of problems) tell(problem)
    return 1
  }
  if (check) {
    tell('The configuration is valid.')
    return 0
  }
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  return await runPlatform({ config, roles }, { print, tell, exit: (code) => process.exit(code) })
}

process.exit(await main())
