import { setTimeout as pause } from 'node:timers/promises'
import type { BenchContext } from '../context.ts'
import { isHeld, loadFigures } from '../load/load-figures.ts'
import { round } from '../machine.ts'
import { peerPipeline } from '../subjects/peer.ts'
import { product } from '../subjects/product.ts'
import type { Subject } from '../subjects/subject.ts'
import type { Section } from './section.ts'

export const sustained: Section = {
  name: 'sustained',
  summary: 'highest rate with every row queryable within 3 s after the end, beside the peer',
  needsLoad: true,
  async run(context) {
    const { peerTools, freshDir } = context
    const ours = await climb(context, () => product({ dir: freshDir() }))
    const rows = [...ours.rows]
    if (peerTools === null) return { best: { product: ours.best }, rows }
    const peer = await climb(context, () => peerPipeline(peerTools, freshDir()))
    return {
      best: { product: ours.best, peer: peer.best },
      ratio: round(ours.best / peer.best, 3),
      rows: [...rows, ...peer.rows],
    }
  },
}

/** Tries rates in rising order until one is not held. */
async function climb(context: BenchContext, start: () => Promise<Subject>) {
  const rows: unknown[] = []
  let best = 0
  for (const rate of context.options.rates) {
    const subject = await start()
    try {
      const row = await tryRate(context, subject, rate)
      context.report(row)
      rows.push(row)
      if (!row.isHeld) break
      best = rate
    } finally {
      await subject.stop()
    }
  }
  return { best, rows }
}

async function tryRate({ generator, options }: BenchContext, subject: Subject, rate: number) {
  const before = await subject.rows()
  const load = await generator.load(subject, { rate, seconds: options.seconds })
  const begun = performance.now()
  let stored = 0
  do {
    stored = (await subject.rows()) - before
    if (stored < load.sent) await pause(200)
  } while (stored < load.sent && performance.now() - begun < 3000)
  return {
    subject: subject.name,
    rate,
    isHeld: isHeld(load, rate, stored),
    stored,
    storedAfterS: round((performance.now() - begun) / 1000, 2),
    ...loadFigures(subject, load),
  }
}
