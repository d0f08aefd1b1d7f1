import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { FindingRule } from '../finding.ts'

const HOW_TO_COUNT = 'count seq up by one for each message of a channel, and keep it over a restart'

/** Gaps, restarts and numbers out of order; or no numbers at all. */
export const sequence: FindingRule = {
  codes: ['sequence_none', 'sequence_gaps', 'sequence_restarts', 'sequence_order'],
  find({ facts: { sequence: known, read }, last }) {
    // Only readings show whether numbers are missing: a message may have been rejected with its own.
    if (known === null) return read === 0 || last.length === 0 ? [] : [NONE]
    const { received, lost, restarts, reordered } = known
    const found: ConformanceFinding[] = []
    const add = (code: string, severity: 'warning' | 'info', example: string, advice: string) =>
      found.push({ code, severity, path: 'seq', example, advice })
    if (lost > 0) {
      const advice =
        'publish with QoS 1 and keep messages until they are acknowledged; if nothing was lost, ' +
        HOW_TO_COUNT
      add('sequence_gaps', 'warning', `${lost} of ${received + lost} numbers never came`, advice)
    }
    if (restarts > 0) {
      const advice = `losses around a restart cannot be counted: ${HOW_TO_COUNT}`
      add('sequence_restarts', 'info', `numbers started again ${restarts} times`, advice)
    }
    if (reordered > 0) {
      const example = `${reordered} messages came after one with a higher number`
      add('sequence_order', 'info', example, 'send buffered messages in their order, oldest first')
    }
    return found
  },
}

const NONE: ConformanceFinding = {
  code: 'sequence_none',
  severity: 'info',
  path: 'seq',
  example: 'no message carries a sequence number',
  advice: `losses cannot be counted without it: ${HOW_TO_COUNT}`,
}
