import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { Judgement } from '../judgement.ts'

const FOR_LOSS = 'count seq up by one for each message of a channel, and keep it over a restart'

/** Gaps, restarts and numbers out of order; or no numbers at all. */
export const sequence: Judgement = {
  codes: ['sequence_none', 'sequence_gaps', 'sequence_restarts', 'sequence_order'],
  judge({ facts: { sequence: known, read } }) {
    if (known === null) return read === 0 ? [] : [NONE]
    const { received, lost, restarts, reordered } = known
    const found: ConformanceFinding[] = []
    const add = (code: string, severity: 'warning' | 'info', example: string, advice: string) =>
      found.push({ code, severity, path: 'seq', example, advice })
    if (lost > 0) {
      const advice =
        'publish with QoS 1 and keep what was not acknowledged; if nothing was lost, ' + FOR_LOSS
      add('sequence_gaps', 'warning', `${lost} of ${received + lost} numbers never came`, advice)
    }
    if (restarts > 0) {
      const advice = `each restart hides what was lost around it: ${FOR_LOSS}`
      add('sequence_restarts', 'info', `numbers began anew ${restarts} times`, advice)
    }
    if (reordered > 0) {
      const example = `${reordered} messages came after one with a higher number`
      add('sequence_order', 'info', example, 'send what was kept back in its order, oldest first')
    }
    return found
  },
}

const NONE: ConformanceFinding = {
  code: 'sequence_none',
  severity: 'info',
  path: 'seq',
  example: 'no message carries a sequence number',
  advice: `losses cannot be told without: ${FOR_LOSS}`,
}
