import { startPlatform } from '../../tests/support/platform.ts'
import { median } from '../machine.ts'
import type { Section } from './section.ts'

const RUNS = 5

export const startup: Section = {
  name: 'startup',
  summary: 'time from spawn to the ready line of an empty platform',
  needsLoad: false,
  async run({ freshDir }) {
    const times: number[] = []
    for (let run = 0; run < RUNS; run += 1) {
      const begun = performance.now()
      const platform = await startPlatform({ dataDir: freshDir() })
      times.push(Math.round(performance.now() - begun))
      await platform.stop()
    }
    const readyMs = { min: Math.min(...times), median: median(times), max: Math.max(...times) }
    return { readyMs }
  },
}
