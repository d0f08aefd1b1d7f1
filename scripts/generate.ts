import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exampleEnvironment } from '#lib/runtime/config.ts'
import { runCommand } from '#lib/runtime/command.ts'
import { ERRORS } from '#lib/runtime/errors.ts'
import { METRICS } from '#lib/runtime/metrics.ts'
import { apiDocument } from './api-document.ts'
import { GRAFANA_FILES } from '../dashboards/grafana/generated.ts'

/** Files generated from tables in the code: path -> text. `npm run generate` writes them. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  '.env.example': exampleEnvironment,
  'docs/api.md': apiDocument,
  'docs/errors.md': errorTable,
  'docs/metrics.md': metricTable,
  ...GRAFANA_FILES,
}

function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  const intro = 'Every operational error has one of these codes. Made by `npm run generate`.'
  return ['# Errors', '', intro, '', '| code | meaning |', '| --- | --- |', ...rows, ''].join('\n')
}

function metricTable(): string {
  const rows = Object.entries(METRICS).map(
    ([name, { type, labels, help }]) =>
      `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`,
  )
  const intro = 'What `/metrics` shows. Made by `npm run generate`.'
  const head = ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |']
  return ['# Metrics', '', intro, '', ...head, ...rows, ''].join('\n')
}

const COMMAND = {
  name: 'generate',
  summary: 'Writes the files that are made from tables in the code; they are committed.',
  options: {},
  examples: [''],
} as const

if (import.meta.main) {
  process.exitCode = await runCommand(COMMAND, process.argv.slice(2), () => {
    const paths = Object.keys(GENERATED)
    for (const [path, make] of Object.entries(GENERATED)) {
      writeFileSync(join(import.meta.dirname, '..', path), make())
    }
    return { text: `Wrote ${paths.length} files.`, json: { paths } }
  })
}
