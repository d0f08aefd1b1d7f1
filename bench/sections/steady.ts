import { besidePeer } from '../load/beside-peer.ts'
import { steadyFigures } from '../load/load-figures.ts'
import { product } from '../subjects/product.ts'
import type { Section } from './section.ts'

/** Figures of a steady load that are compared with the peer's. */
export const STEADY_RATIOS = [
  'cpuPerMillionS',
  'cpuPerMillionStoredS',
  'p50Ms',
  'p99Ms',
  'rssMib',
  'rssAtEndMib',
]

export const steady: Section = {
  name: 'steady',
  summary: 'CPU, PUBACK latency and memory at one rate, beside the peer',
  needsLoad: true,
  run: (context) =>
    besidePeer(context, {
      start: () => product({ dir: context.freshDir() }),
      measure: (subject) => steadyFigures(subject, context.generator, context.ratePerS),
      ratiosOf: STEADY_RATIOS,
    }),
}
