import type { BenchContext } from '../context.ts'
import { loadFigures } from '../load/load-figures.ts'
import { queriesOnSchedule } from '../load/queries-on-schedule.ts'
import { product } from '../subjects/product.ts'
import type { Section } from './section.ts'

const QUERIES_PER_S = 60

export const dashboards: Section = {
  name: 'dashboards',
  summary: `PUBACK latency at one rate without and with ${QUERIES_PER_S} queries a second`,
  needsLoad: true,
  async run(context) {
    const rows: unknown[] = []
    for (let run = 0; run < context.options.runs; run += 1) {
      for (const queriesPerS of [0, QUERIES_PER_S]) {
        rows.push(await loadBesideQueries(queriesPerS, context))
        context.report(rows.at(-1))
      }
    }
    return { ratePerS: context.ratePerS, rows }
  },
}

async function loadBesideQueries(
  queriesPerS: number,
  { generator, ratePerS, freshDir }: BenchContext,
) {
  const subject = await product({ dir: freshDir() })
  try {
    // Rows for the queries to read.
    await generator.loadInBackground(subject, { rate: ratePerS, seconds: 20 })
    const load = generator.load(subject, { rate: ratePerS, seconds: 20 })
    const queries =
      queriesPerS > 0
        ? await queriesOnSchedule(subject.http ?? 0, { perS: queriesPerS, seconds: 18 })
        : null
    return { queriesPerS, ...loadFigures(subject, await load), queries }
  } finally {
    await subject.stop()
  }
}
