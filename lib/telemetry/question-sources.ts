import type { Questions } from './questions.ts'

/**
 * Where an answer comes from. `store`: every intake on the same store would say the same. `state`:
 * each intake knows only what it took in itself. `both`: parts of the answer are of either sort.
 * `file`: the answer is a file on the disk of the intake.
 */
export const QUESTION_SOURCES = {
  readings: 'store',
  since: 'state',
  readingsFile: 'file',
  readingDevices: 'store',
  aggregates: 'store',
  latency: 'both',
  throughput: 'store',
  loss: 'store',
  registers: 'store',
  heat: 'store',
  delays: 'store',
  availability: 'store',
  jitter: 'store',
  lastValues: 'state',
  clocks: 'state',
  conformance: 'state',
  delivery: 'state',
  rejections: 'state',
  rejectionGroups: 'state',
  replay: 'state',
  status: 'state',
} as const satisfies { readonly [K in keyof Questions]: 'store' | 'state' | 'both' | 'file' }

export function isQuestion(name: string): name is keyof Questions {
  return Object.hasOwn(QUESTION_SOURCES, name)
}
