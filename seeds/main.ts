import { systemClock } from '#lib/runtime/clock.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { EXIT, onInterrupt, runCommand } from '#lib/runtime/command.ts'
import { startLive } from './live/live.ts'
import { COMMAND, seedArguments, type SeedArguments } from './options.ts'
import { seedTestbed } from './seed.ts'

/** `seed` puts the testbed and its history into a platform; `live` runs its devices until a signal. */
async function main(args: readonly string[]): Promise<number> {
  return await runCommand(COMMAND, args, async (given) => {
    const options = seedArguments(given)
    if (options.command === 'live') return { code: await runLive(options) }
    await seedTestbed(options, { clock: systemClock, print: printError })
    return { json: { seeded: true } }
  })
}

async function runLive(options: SeedArguments): Promise<number> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const interrupt = onInterrupt(end)
  const live = await startLive(options, systemClock)
  process.stdout.write(`${JSON.stringify({ live: true, devices: live.devices })}\n`)
  await ended
  try {
    await live.stop()
  } catch (error) {
    // The platform may stop before its devices.
    printError(`The devices could not disconnect cleanly: ${messageOf(error)}`)
  }
  return interrupt.isInterrupted ? EXIT.interrupted : 0
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
