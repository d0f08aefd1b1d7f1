import { requireConfig } from '#lib/runtime/config.ts'
import { isRole } from '#lib/runtime/settings/roles.ts'
import { UV_THREADPOOL_SIZE } from '#lib/runtime/threads/process-flags.ts'
import { runPlatform } from '../../platform/platform.ts'

/*
 * Runs the roles of its arguments with the embedded store as well, which `main.ts` refuses: so that
 * what passes between the processes can be tested where there is no InfluxDB.
 */
process.env['UV_THREADPOOL_SIZE'] ??= String(UV_THREADPOOL_SIZE)
const config = requireConfig(process.env)
const code = await runPlatform(
  { config, roles: new Set(process.argv.slice(2).filter(isRole)) },
  {
    print: (line) => void process.stdout.write(`${line}\n`),
    printError: (line) => void process.stderr.write(`${line}\n`),
    exit: (status) => process.exit(status),
  },
)
process.exit(code)
