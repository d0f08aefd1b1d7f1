import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { HopList } from './measure/hops.ts'
import { measureCode } from './measure/measure-code.ts'
import { measureReport } from './measure/report.ts'
import { readSources, versionOf } from './measure/sources.ts'

const USAGE = `npm run measure -- [--at <checkout>] [--hops <file>] [--json]

Counts the code that git tracks (.ts, .tsx, .mjs, .css), product and tests/ apart: files, lines by
folder, crowded folders, long functions; the lists that name a query and the declarations of a
column; the hops of a packet and of a query. The rules stand in scripts/measure/.

  --at <checkout>   count another checkout
  --hops <file>     lists of hops as a JSON array, instead of scripts/measure/hops/*.json of the
                    checkout; each is verified against the code
  --json            as JSON
`

/** 1 where a list of hops does not agree with the code. */
function main(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: {
      at: { type: 'string', default: join(import.meta.dirname, '..') },
      hops: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const dir = resolve(values.at)
  const hopLists = values.hops === undefined ? hopListsOf(dir) : readHopLists(values.hops)
  const version = versionOf(dir)
  const measures = measureCode(readSources(dir), hopLists)
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ version, ...measures }, null, 2)}\n`
      : `version ${version}\n\n${measureReport(measures)}`,
  )
  return measures.hops.some(({ faults }) => faults.length > 0) ? 1 : 0
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

process.exitCode = main(process.argv.slice(2))
