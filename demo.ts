import { systemClock } from '#lib/runtime/clock.ts'
import { createLifecycle } from '#lib/runtime/lifecycle.ts'
import { createLog } from '#lib/runtime/log.ts'
import { runDemo } from './seeds/demo.ts'

/** `npm run demo`: platform, testbed and a live fleet as child processes, until a signal. */
async function main(): Promise<number> {
  const lifecycle = createLifecycle(createLog('warn'), { deadlineMs: 40_000, clock: systemClock })
  lifecycle.onSignals(process, (code) => process.exit(code))
  const dataDir = process.env['PADBORG_DATA_DIR'] ?? './data-demo'
  lifecycle.run(
    runDemo({
      root: import.meta.dirname,
      dataDir,
      env: process.env,
      lifecycle,
      print: (text) => void process.stdout.write(`${text}\n`),
    }),
    'demo',
  )
  return await lifecycle.closed
}

if (import.meta.main) process.exit(await main())
