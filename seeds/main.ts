import { systemClock } from '#lib/runtime/clock.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { RefusedError } from '../simulators/run/api.ts'
import { startLive } from './live/live.ts'
import { USAGE, readArguments, type SeedArguments } from './options.ts'
import { seedTestbed } from './seed.ts'

/** `seed` puts the testbed and its history into a platform; `live` runs its devices until a signal. */
async function main(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (Array.isArray(options)) {
    printError([...options, '', USAGE].join('\n'))
    return 2
  }
  try {
    if (options.command === 'live') await runLive(options)
    else await seedTestbed(options, { clock: systemClock, print: printError })
    return 0
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    printError(error.message)
    return 1
  }
}

async function runLive(options: SeedArguments): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  process.once('SIGINT', () => end())
  process.once('SIGTERM', () => end())
  const live = await startLive(options, systemClock)
  process.stdout.write(`${JSON.stringify({ live: true, devices: live.devices })}\n`)
  await ended
  try {
    await live.stop()
  } catch (error) {
    // The platform may stop before its devices.
    printError(`The devices could not disconnect cleanly: ${messageOf(error)}`)
  }
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
