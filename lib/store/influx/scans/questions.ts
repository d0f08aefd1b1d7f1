import type { Questions } from '#lib/telemetry/questions.ts'
import type { StoreQuestion } from '../../store.ts'
import { askAggregates } from './aggregates.ts'
import { askDelays } from './delays.ts'
import { askLatency } from './latency.ts'
import { askLoss } from './loss.ts'
import { askReadings } from './readings.ts'
import { askReadingDevices, askReadingsFile } from './readings-file.ts'
import { askRegisters } from './registers.ts'
import { askSince } from './since.ts'
import { askThroughput } from './throughput.ts'
import type { Asking } from './view.ts'

/** Every question of the store and what answers it. */
export const QUESTIONS: {
  readonly [K in StoreQuestion]: (
    asking: Asking,
    question: Questions[K][0],
  ) => Promise<Questions[K][1]>
} = {
  readings: askReadings,
  readingsFile: askReadingsFile,
  readingDevices: askReadingDevices,
  since: askSince,
  aggregates: askAggregates,
  latency: askLatency,
  throughput: askThroughput,
  loss: askLoss,
  registers: askRegisters,
  delays: askDelays,
}
