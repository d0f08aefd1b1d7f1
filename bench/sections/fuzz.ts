import { runScript } from '../formats/run-script.ts'
import type { Section } from './section.ts'

export const fuzz: Section = {
  name: 'fuzz',
  summary: 'mutated payloads through all formats: faults, and the slowest',
  needsLoad: false,
  async run({ options, report }) {
    const figures = runScript('fuzz.ts', ['--inputs', String(options.fuzz)])
    report(figures)
    return figures
  },
}
