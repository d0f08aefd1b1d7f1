import type { BenchContext } from '../context.ts'
import { steadyFigures, type SteadyFigures } from '../load/load-figures.ts'
import { round } from '../machine.ts'
import { product } from '../subjects/product.ts'
import type { Checkout } from './checkout.ts'

/** The checkout under test, and the one it is compared with. */
export interface Checkouts {
  readonly a: Checkout
  readonly b: Checkout
}

export interface Pair {
  /** Which of the two ran first: it alternates, so that a drift of the machine cancels. */
  readonly order: 'AB' | 'BA'
  readonly a: SteadyFigures
  readonly b: SteadyFigures
  /** CPU per stored message, a / b. */
  readonly cpuRatio: number
}

/** Rates in falling order, when none is given. */
const RATES = [20_000, 15_000, 10_000, 5000]

/**
 * The highest rate that both checkouts hold on this machine, or the given one. These runs also fill
 * the caches on disk, so that the first pair is like the others.
 */
export async function warmUp(context: BenchContext, { a, b }: Checkouts): Promise<number> {
  const { options, report } = context
  const rates = options.rate === null ? RATES : [options.rate]
  for (const rate of rates) {
    const first = await measure(context, a, rate)
    const second = await measure(context, b, rate)
    if (first.isHeld && second.isHeld) return rate
    report(`${rate} messages a second are not held.`)
  }
  return rates.at(-1) ?? 0
}

export async function* runPairs(
  context: BenchContext,
  checkouts: Checkouts,
  rate: number,
): AsyncIterable<Pair> {
  for (let n = 0; n < context.options.pairs; n += 1) {
    yield await runPair(context, checkouts, { rate, order: n % 2 === 0 ? 'AB' : 'BA' })
  }
}

async function runPair(
  context: BenchContext,
  checkouts: Checkouts,
  { rate, order }: { readonly rate: number; readonly order: Pair['order'] },
): Promise<Pair> {
  const isAFirst = order === 'AB'
  const first = await measure(context, isAFirst ? checkouts.a : checkouts.b, rate)
  const second = await measure(context, isAFirst ? checkouts.b : checkouts.a, rate)
  const [a, b] = isAFirst ? [first, second] : [second, first]
  return { order, a, b, cpuRatio: round(a.cpuPerMillionStoredS / b.cpuPerMillionStoredS, 4) }
}

async function measure(
  { generator, freshDir }: BenchContext,
  { dir }: Checkout,
  rate: number,
): Promise<SteadyFigures> {
  const subject = await product({ dir: freshDir(), checkout: dir })
  try {
    return await steadyFigures(subject, generator, rate)
  } finally {
    await subject.stop()
  }
}
