import { readCheckout, thisCheckout } from '../compare/checkout.ts'
import { pairedRatio, verdictOf, type PairedRatio, type Verdict } from '../compare/paired-ratio.ts'
import { runPairs, warmUp, type Pair } from '../compare/pairs.ts'
import { tableHead, tableRow } from '../compare/table.ts'
import type { BenchContext } from '../context.ts'
import { round } from '../machine.ts'
import type { Section } from './section.ts'

/** The interval of the CPU ratio must end below this to pass. */
const CPU_LIMIT = 1.05

export const against: Section = {
  name: 'against',
  summary: 'this checkout (A) and that of --against (B) in pairs: CPU per stored message',
  needsLoad: true,
  run: compare,
}

async function compare(context: BenchContext): Promise<unknown> {
  const { options, report } = context
  if (options.against === null) throw new Error('against: expected --against <dir>')
  const checkouts = { a: thisCheckout(), b: readCheckout(options.against) }
  report(`A ${checkouts.a.dir} ${checkouts.a.commit}`)
  report(`B ${checkouts.b.dir} ${checkouts.b.commit}`)
  const ratePerS = await warmUp(context, checkouts)
  report(`${ratePerS} messages a second, CPU per stored message in microseconds`)
  report(tableHead())
  const pairs: Pair[] = []
  for await (const pair of runPairs(context, checkouts, ratePerS)) {
    pairs.push(pair)
    report(tableRow(pair))
  }
  const cpuRatio = pairedRatio(
    pairs.map(({ a, b }) => ({ a: a.cpuPerMillionStoredS, b: b.cpuPerMillionStoredS })),
  )
  const unsound = unsoundRuns(pairs)
  const verdict = unsound.length === 0 ? verdictOf(cpuRatio, CPU_LIMIT) : 'undecided'
  report([...unsound, conclusion(cpuRatio, verdict)].join('\n'))
  return { checkouts, ratePerS, pairs, cpuRatio, limit: CPU_LIMIT, verdict, unsound }
}

/** Runs that say nothing about the cost of a stored message. */
function unsoundRuns(pairs: readonly Pair[]): readonly string[] {
  return pairs.flatMap(({ a, b }, n) =>
    Object.entries({ A: a, B: b }).flatMap(([name, { isHeld, missingAtEnd }]) => [
      ...(isHeld ? [] : [`pair ${n + 1}: ${name} did not hold the rate`]),
      ...(missingAtEnd > 0 ? [`pair ${n + 1}: ${name} lost ${missingAtEnd} messages`] : []),
    ]),
  )
}

function conclusion({ n, ratio, lower95, upper95 }: PairedRatio, verdict: Verdict): string {
  const interval =
    lower95 === null || upper95 === null
      ? 'no interval of one pair'
      : `95 % interval ${round(lower95, 3)} to ${round(upper95, 3)}`
  return `CPU ratio A / B of ${n} pairs: ${round(ratio, 3)}, ${interval}; limit ${CPU_LIMIT}: ${verdict}`
}
