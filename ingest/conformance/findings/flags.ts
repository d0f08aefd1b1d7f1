import type { Severity } from '#lib/telemetry/conformance.ts'
import type { Flag } from '#lib/telemetry/flags.ts'
import type { Judgement } from '../judgement.ts'

interface Row {
  readonly severity: Severity
  readonly path: string
  readonly advice: string
}

/** What each quality flag asks of the sender; `clock_invalid` has its place at the clock. */
const ROWS = {
  out_of_range: {
    severity: 'warning',
    path: 'data',
    advice: 'see GET /api/v1/kinds for ranges and units; such values are kept, but count nowhere',
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
    advice: 'all right for what was kept during an outage; else check the clock',
  },
} as const satisfies Partial<Record<Flag, Row>>

const FLAGS = Object.entries(ROWS) as [keyof typeof ROWS, Row][]

/** How many readings carry each quality flag. */
export const flags: Judgement = {
  codes: Object.keys(ROWS),
  judge: ({ facts, last }) =>
    FLAGS.flatMap(([flag, { severity, path, advice }]) => {
      const count = facts.flags[flag] ?? 0
      if (count === 0) return []
      const isNow = last.some((value) => value.flags.includes(flag))
      const which = isNow ? ', the latest too' : ''
      const example = `readings with this flag: ${count}, in ${facts.read} messages${which}`
      return [{ code: flag, severity, path, example, advice }]
    }),
}
