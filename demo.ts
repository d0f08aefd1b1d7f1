import { systemClock } from '#lib/runtime/clock.ts'
import { runCommand } from '#lib/runtime/command.ts'
import { createLifecycle } from '#lib/runtime/lifecycle.ts'
import { createLog } from '#lib/runtime/log.ts'
import { runDemo } from './seeds/demo.ts'

const COMMAND = {
  name: 'demo',
  summary: `The platform with the Padborg testbed, its history, and devices that keep publishing, until Ctrl-C.
Its data lie in PADBORG_DATA_DIR, else in ./data-demo, and are kept for the next start. The ready line
goes to standard output, where to look and how to sign in to standard error.`,
  options: {},
  examples: [''],
} as const

/** `npm run demo`: platform, testbed and a live fleet as child processes, until a signal. */
async function demo(): Promise<number> {
  const lifecycle = createLifecycle(createLog('warn'), { deadlineMs: 40_000, clock: systemClock })
  lifecycle.onSignals(process, (code) => process.exit(code))
  const run = runDemo({
    root: import.meta.dirname,
    dataDir: process.env['PADBORG_DATA_DIR'] ?? './data-demo',
    env: process.env,
    lifecycle,
    print: (line) => void process.stdout.write(`${line}\n`),
    printError: (text) => void process.stderr.write(`${text}\n`),
  })
  try {
    await Promise.race([run, lifecycle.closed])
  } catch (error) {
    await lifecycle.shutdown('the demo cannot go on')
    throw error
  }
  return await lifecycle.closed
}

if (import.meta.main) {
  process.exit(
    await runCommand(COMMAND, process.argv.slice(2), async () => ({ code: await demo() })),
  )
}
