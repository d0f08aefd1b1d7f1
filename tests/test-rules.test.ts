import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('..', import.meta.url).pathname
const FILES = readdirSync(join(ROOT, 'tests'), { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts'),
)

type Reasons = Readonly<Record<string, string>>

/** Files outside tests/system and tests/browser that start a process, and why. */
const START_PROCESSES: Reasons = {
  'architecture.test.ts': 'imports every module in a process of its own, to see what it opens',
  'contract/duckdb-store.test.ts': 'mount: a full disk',
  'fixtures/make-data.ts': 'runs an earlier version of the platform',
  'fixtures/record.ts': 'git: the commit of an earlier version',
  'unit/deploy/compose.test.ts': 'sh -n: the syntax of shell scripts',
  'unit/deploy/init.test.ts': 'git check-ignore, and the exit codes of the script',
  'unit/ingest/derived/certificate-days.test.ts': 'openssl makes a certificate',
  'unit/lib/runtime/backup/archive.test.ts': 'tar reads what the platform wrote',
  'unit/lib/runtime/log.test.ts': 'which stream a process logs to',
  'unit/lib/runtime/threads/priority.test.ts': 'the priority belongs to a process',
}

/** Files that need real time to pass, and why. */
const NEED_TIME: Reasons = {
  'integration/sources/mqtt/publishers.ts': 'publishers at a steady pace',
  'support/wait-for.ts': 'the pause between two looks at a condition, and its deadline',
  'system/influx-outage-load.ts': 'sends so many messages per second',
  'system/influx-outage-slow.ts': 'a server that is slow on purpose',
  'system/influx-outage.test.ts': 'the lag in seconds, and Retry-After, are times',
  'system/kill.test.ts': 'the moment of the kill is drawn by the seed',
  'system/outage.test.ts': 'no event says that acknowledgements have stopped',
}

describe('the tests', () => {
  it('have a unit folder only where the product has that folder', () => {
    const folders = new Set(filesIn('unit').map((name) => dirname(name).slice('unit/'.length)))
    const missing = [...folders]
      .filter((folder) => folder !== 'deploy')
      .filter((folder) => !existsSync(join(ROOT, productFolder(folder))))
    expect(missing).toEqual([])
  })

  it('start whole platforms only in tests/system and tests/browser', () => {
    const folders = filesIn('unit', 'property', 'cases', 'contract', 'integration')
    const faults = folders
      .filter((name) => name.endsWith('.test.ts'))
      .filter((name) => /\bstart(Virtual)?Platform\(/.test(read(name)))
    expect(faults).toEqual([])
  })

  it('start no process in unit, property, cases and contract but for the reasons listed', () => {
    const starts = [
      ...filesIn('unit', 'property', 'cases', 'contract', 'fixtures'),
      ...filesAtTop(),
    ]
      .filter((name) => name !== 'test-rules.test.ts')
      .filter((name) => read(name).includes("from 'node:child_process'"))
    expect(starts.toSorted()).toEqual(Object.keys(START_PROCESSES).toSorted())
  })

  it('neither sleep nor measure time but for the reasons listed', () => {
    const timed = /\bsetTimeout\b|\bsleep\(|\bperformance\.now\b|\bhrtime\b/
    const names = FILES.filter((name) => name !== 'test-rules.test.ts')
    const found = names.filter((name) => timed.test(read(name)))
    expect(found.toSorted()).toEqual(Object.keys(NEED_TIME).toSorted())
  })
})

/** Units of the portal leave out `src`. */
function productFolder(folder: string): string {
  return folder.replace(/^dashboards\/portal(?=\/|$)/, 'dashboards/portal/src')
}

function filesIn(...folders: readonly string[]): string[] {
  return FILES.filter((name) => folders.some((folder) => name.startsWith(`${folder}/`)))
}

function filesAtTop(): string[] {
  return FILES.filter((name) => !name.includes('/'))
}

function read(name: string): string {
  return readFileSync(join(ROOT, 'tests', name), 'utf8')
}
