import { setPriority } from 'node:os'
import { ABUSES } from './catalogue.ts'
import type { Place } from './place.ts'

/*
 * One abuse in a process of its own, so that what it costs is not counted to the platform or to its
 * neighbours: `run.ts <name> <seconds> <place as JSON>`. Prints its attempts as JSON.
 */
const [name, seconds, place] = process.argv.slice(2)
const abuse = ABUSES.find((one) => one.name === name)
if (!abuse) throw new RangeError(`expected the name of an abuse, got ${name}`)
// The machine is shared with what is measured; who attacks over a network takes none of its time.
setPriority(19)
const signal = AbortSignal.timeout(Number(seconds) * 1000)
const attempts = await abuse.run(JSON.parse(place ?? '') as Place, signal)
process.stdout.write(`${JSON.stringify(attempts)}\n`, () => process.exit(0))
