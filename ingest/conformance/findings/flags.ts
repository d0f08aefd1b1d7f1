import type { Severity } from '#lib/telemetry/conformance.ts'
import type { Flag } from '#lib/telemetry/flags.ts'
import type { FindingRule } from '../finding.ts'

interface Row {
  readonly severity: Severity
  readonly path: string
  readonly advice: string
}

/** Advice for each quality flag; `clock_invalid` belongs to the clock. */
const ROWS = {
  out_of_range: {
    severity: 'warning',
    path: 'data',
    advice:
      'see GET /api/v1/kinds for ranges and units; such values are stored, but left out of KPIs',
  },
  implausible_jump: {
    severity: 'warning',
    path: 'data',
    advice: 'look at the sensor or receiver: no such device changes that fast',
  },
  sensor_error: {
    severity: 'warning',
    path: 'data',
    advice: 'the device reports a fault of its own; look at its status field',
  },
  identity_mismatch: {
    severity: 'warning',
    path: '',
    advice:
      'the payload names another device than the topic: put each device on its own topic, or ' +
      'correct the id in its settings',
  },
  duplicate_time: {
    severity: 'warning',
    path: 'ts',
    advice: 'give readings of different content different times, with milliseconds',
  },
  sequence_reused: {
    severity: 'info',
    path: 'seq',
    advice: 'keep the sequence number over a restart',
  },
  late: {
    severity: 'info',
    path: 'ts',
    advice: 'normal for readings that were buffered during an outage; otherwise check the clock',
  },
} as const satisfies Partial<Record<Flag, Row>>

const FLAGS = Object.entries(ROWS) as [keyof typeof ROWS, Row][]

/** The number of readings with each quality flag. */
export const flags: FindingRule = {
  codes: Object.keys(ROWS),
  find: ({ facts, last }) =>
    FLAGS.flatMap(([flag, { severity, path, advice }]) => {
      const count = facts.flags[flag] ?? 0
      if (count === 0) return []
      const isNow = last.some((value) => value.flags.includes(flag))
      const which = isNow ? ', the latest too' : ''
      const example = `readings with this flag: ${count}, in ${facts.read} messages${which}`
      return [{ code: flag, severity, path, example, advice }]
    }),
}
