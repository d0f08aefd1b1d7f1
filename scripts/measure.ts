import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EXIT, runCommand, type Given, type Outcome } from '#lib/runtime/command.ts'
import { HopList } from './measure/hops.ts'
import { measureCode } from './measure/measure-code.ts'
import { measureReport } from './measure/report.ts'
import { readSources, versionOf } from './measure/sources.ts'

const COMMAND = {
  name: 'measure',
  summary: `Counts the code that git tracks (.ts, .tsx, .mjs, .css), product and tests/ apart: files, lines by
folder, crowded folders, long functions; the lists that name a query and the declarations of a
column; the hops of a packet and of a query. The rules stand in scripts/measure/. Ends with 1 where a
list of hops does not agree with the code.`,
  options: {
    at: { value: 'DIR', about: 'counts another checkout' },
    hops: {
      value: 'FILE',
      about:
        'lists of hops as a JSON array, instead of scripts/measure/hops/*.json of the checkout',
    },
  },
  examples: ['', '--at ../earlier --json'],
} as const

function measure({ texts }: Given<'at' | 'hops'>): Outcome {
  const dir = resolve(texts.at ?? join(import.meta.dirname, '..'))
  const hopLists = texts.hops === undefined ? hopListsOf(dir) : readHopLists(texts.hops)
  const version = versionOf(dir)
  const measures = measureCode(readSources(dir), hopLists)
  return {
    text: `version ${version}\n\n${measureReport(measures)}`,
    json: { version, ...measures },
    code: measures.hops.some(({ faults }) => faults.length > 0) ? EXIT.failed : 0,
  }
}

function hopListsOf(dir: string): readonly HopList[] {
  const folder = join(dir, 'scripts', 'measure', 'hops')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => HopList.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))))
}

function readHopLists(file: string): readonly HopList[] {
  return HopList.array().parse(JSON.parse(readFileSync(file, 'utf8')))
}

process.exitCode = await runCommand(COMMAND, process.argv.slice(2), measure)
