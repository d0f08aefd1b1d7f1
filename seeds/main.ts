import { systemClock } from '#lib/runtime/clock.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { RefusedError } from '../simulators/run/api.ts'
import { startLive } from './live/live.ts'
import { USAGE, readArguments, type SeedArguments } from './options.ts'
import { seedTestbed } from './seed.ts'

/** `seed` puts the testbed and its history into a platform; `live` lets its devices act for ever. */
async function main(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (Array.isArray(options)) {
    tell([...options, '', USAGE].join('\n'))
    return 2
  }
  try {
    if (options.command === 'live') await live(options)
    else await seedTestbed(options, { clock: systemClock, tell })
    return 0
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    tell(error.message)
    return 1
  }
}

async function live(options: SeedArguments): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  process.once('SIGINT', () => end())
  process.once('SIGTERM', () => end())
  const stage = await startLive(options, systemClock)
  process.stdout.write(`${JSON.stringify({ live: true, devices: stage.devices })}\n`)
  await ended
  try {
    await stage.stop()
  } catch (error) {
    // The platform may be gone before its devices.
    tell(`The devices could not say goodbye: ${messageOf(error)}`)
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
