import { runScript } from '../formats/run-script.ts'
import type { Section } from './section.ts'

export const formats: Section = {
  name: 'formats',
  summary: 'CPU per message of each format, and of the native one beside JSON.parse and zod',
  needsLoad: false,
  async run({ report }) {
    const costs = runScript('costs.ts', [])
    report(costs)
    return costs
  },
}
