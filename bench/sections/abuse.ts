import { setTimeout as pause } from 'node:timers/promises'
import { startPlatform } from '../../tests/support/platform.ts'
import type { Abuse } from '../abuse/abuse.ts'
import { ABUSES } from '../abuse/catalogue.ts'
import { createNeighbour, type NeighbourFigures } from '../abuse/neighbour.ts'
import { registerPlace } from '../abuse/place.ts'
import { startAbuse } from '../abuse/start-abuse.ts'
import type { BenchContext } from '../context.ts'
import { rssMib } from '../machine.ts'
import type { Section } from './section.ts'

const QUIET_S = 10
const ABUSE_S = 20
const AFTER_S = 5
/** What a neighbour may see beside the quiet run, and the memory that one account may take. */
const MAX_PUBACK_RATIO = 2
const MAX_RESULT_RATIO = 3
const MAX_MEMORY_MIB = 400
/** Below this a ratio says more of the machine than of the platform. */
const NOISE_MS = 10

export const abuse: Section = {
  name: 'abuse',
  summary: 'accounts that go beyond each limit of docs/limits.md, beside a well-behaved tenant',
  needsLoad: false,
  async run(context) {
    const rows: unknown[] = []
    for (const one of wanted(context)) {
      rows.push(await beside(one, context))
      context.report(rows.at(-1))
    }
    return { quietS: QUIET_S, abuseS: ABUSE_S, afterS: AFTER_S, rows }
  },
}

function wanted({ options }: BenchContext): readonly Abuse[] {
  const { abuses } = options
  return abuses === null ? ABUSES : ABUSES.filter(({ name }) => abuses.includes(name))
}

async function beside(one: Abuse, { options, freshDir }: BenchContext) {
  const root = options.checkout === null ? {} : { root: options.checkout }
  const platform = await startPlatform({ dataDir: freshDir(), ...root })
  const place = await registerPlace(platform, 'abuser')
  const neighbour = await createNeighbour(platform, await registerPlace(platform, 'neighbour'))
  const memory = () => rssMib(platform.ready.pid)
  try {
    await neighbour.watch(3)
    const quiet = await neighbour.watch(QUIET_S)
    const memoryBefore = memory()
    const attempts = startAbuse(one, place, ABUSE_S)
    const during = await neighbour.watch(ABUSE_S)
    const memoryAtEnd = memory()
    const made = await attempts
    await pause(AFTER_S * 1000)
    const after = await neighbour.watch(AFTER_S)
    const memoryMib = memoryAtEnd - memoryBefore
    return {
      abuse: one.name,
      ...made,
      pubackP99Ms: [quiet.pubackP99Ms, during.pubackP99Ms, after.pubackP99Ms],
      resultP95Ms: [quiet.resultP95Ms, during.resultP95Ms, after.resultP95Ms],
      memoryMib: [memoryBefore, memoryAtEnd, memory()],
      ...judged({ quiet, during, after, memoryMib }),
    }
  } finally {
    await neighbour.leave()
    await platform.kill()
  }
}

interface Seen {
  readonly quiet: NeighbourFigures
  readonly during: NeighbourFigures
  readonly after: NeighbourFigures
  readonly memoryMib: number
}

/** What did not hold, in words; nothing where all did. */
function judged({ quiet, during, after, memoryMib }: Seen): { readonly broken: readonly string[] } {
  const broken: string[] = []
  for (const [when, seen] of Object.entries({ during, after })) {
    if (seen.acknowledged < seen.published) broken.push(`${when}: messages without a PUBACK`)
    if (seen.results < seen.queries) broken.push(`${when}: queries without a result`)
    if (seen.pubackP99Ms > MAX_PUBACK_RATIO * Math.max(quiet.pubackP99Ms, NOISE_MS)) {
      broken.push(`${when}: PUBACK p99 above ${MAX_PUBACK_RATIO} times the quiet run`)
    }
    if (seen.resultP95Ms > MAX_RESULT_RATIO * Math.max(quiet.resultP95Ms, NOISE_MS)) {
      broken.push(`${when}: results above ${MAX_RESULT_RATIO} times the quiet run`)
    }
  }
  if (memoryMib > MAX_MEMORY_MIB) broken.push(`memory above ${MAX_MEMORY_MIB} MiB`)
  return { broken }
}
