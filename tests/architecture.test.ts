import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '#lib/runtime/errors.ts'
import { METRICS } from '#lib/runtime/metrics.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { FORMATS } from '../ingest/formats/catalogue.ts'
import { GENERATED } from '../scripts/generate.ts'

const ROOT = new URL('..', import.meta.url).pathname
const SOURCES = filesBelow([
  'lib',
  'broker',
  'ingest',
  'api',
  'simulators',
  'seeds',
  'scripts',
  'bench',
  'platform',
  'dashboards/grafana',
]).concat('main.ts', 'demo.ts')
const PORTAL = filesBelow(['dashboards/portal'])
const TESTS = filesBelow(['tests'])

/** Of the store only what it takes and gives, never how. */
const STORE_INTERFACES = ['lib/store/store.ts', 'lib/store/scans.ts']

/** Folder -> what it may import (prefixes), npm packages as `npm` or by name. */
const MAY_IMPORT: readonly (readonly [string, readonly string[]])[] = [
  ['lib/runtime', ['lib/runtime', 'npm']],
  ['lib/telemetry', ['lib/telemetry', 'zod']],
  ['lib/kpi', ['lib/kpi', 'lib/telemetry']],
  ['lib/mqtt', ['lib/mqtt', 'lib/runtime', 'npm']],
  ['lib/access', ['lib/access', 'lib/telemetry']],
  [
    'lib/queries',
    ['lib/queries', 'lib/access', 'lib/telemetry', 'lib/kpi', ...STORE_INTERFACES, 'zod'],
  ],
  ['lib/registry', ['lib/registry', 'lib/access', 'lib/telemetry', 'lib/runtime', 'npm']],
  ['lib/store', ['lib/store', 'lib/telemetry', 'lib/kpi', 'lib/runtime', 'npm']],
  ['broker', ['broker', 'lib', 'npm']],
  ['ingest', ['ingest', 'lib', 'npm']],
  ['api', ['api', 'lib', 'npm']],
  ['simulators', ['simulators', 'lib', 'npm']],
  ['seeds', ['seeds', 'simulators', 'lib', 'npm']],
  ['demo.ts', ['seeds', 'lib']],
  ['scripts', ['scripts', 'lib', 'ingest', 'dashboards', 'tests/support', 'npm']],
  ['bench', ['bench', 'lib', 'ingest', 'platform', 'tests/support', 'tests/property', 'npm']],
  ['platform', ['platform', 'lib', 'broker', 'ingest', 'api', 'package.json', 'npm']],
  ['dashboards/grafana', ['dashboards/grafana', 'lib/telemetry', 'lib/kpi', 'npm']],
  ['main.ts', ['platform', 'node-version.mjs', 'lib']],
]

describe('the architecture', () => {
  it('lets each folder import only what ARCHITECTURE.md allows', () => {
    const faults: string[] = []
    for (const file of SOURCES) {
      const rule = MAY_IMPORT.find(([folder]) => file === folder || file.startsWith(`${folder}/`))
      expect(rule, `no rule covers ${file}`).toBeDefined()
      for (const target of importsOf(file)) {
        if (target.startsWith('node:')) continue
        const name = isOurs(target) ? target : npmName(target)
        const allowed = rule?.[1].some((prefix) =>
          isOurs(target)
            ? name === prefix || name.startsWith(`${prefix}/`)
            : prefix === 'npm' || prefix === name,
        )
        if (!allowed) faults.push(`${file} imports ${name}`)
      }
    }
    expect(faults).toEqual([])
  })

  it('bundles only the portal and packages: of queries and schemas it imports types', () => {
    const own = 'dashboards/portal/'
    const types = [own, 'lib/queries/', 'api/replies/schemas.ts']
    const faults = PORTAL.flatMap((file) => [
      ...importsOf(file, withoutTypeImports(read(file)))
        .filter((target) => isOurs(target) && !target.startsWith(own))
        .map((target) => `${file} bundles ${target}`),
      ...importsOf(file)
        .filter((target) => isOurs(target) && !types.some((prefix) => target.startsWith(prefix)))
        .map((target) => `${file} imports ${target}`),
    ])
    expect(faults).toEqual([])
  })

  it('has no import cycles', () => {
    const files = [...SOURCES, ...PORTAL]
    const graph = new Map(files.map((file) => [file, importsOf(file).filter(isOurs)]))
    const cycles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      if (done.has(file) || path.includes(file)) return
      for (const next of graph.get(file) ?? []) visit(next, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(cycles).toEqual([])
  })

  it('takes time, randomness, environment and exit only from lib/runtime and the entry', () => {
    const banned = /\b(Date\.now|Math\.random|process\.env|process\.exit|performance\.now)\b/
    const faults = SOURCES.filter(
      (file) =>
        !/^(lib\/runtime\/|(simulators\/|seeds\/)?main\.ts|platform\/platform\.ts|demo\.ts|scripts\/|bench\/)/.test(
          file,
        ),
    ).filter((file) => banned.test(withoutComments(read(file))))
    expect(faults).toEqual([])
  })

  it('keeps files short, names telling and words finished', () => {
    const faults: string[] = []
    for (const file of [...SOURCES, ...PORTAL, ...TESTS]) {
      const text = read(file)
      if (text.split('\n').length > 401) faults.push(`${file} has over 400 lines`)
      if (/(^|\/)(utils|helpers|common|misc|types|index)\.tsx?$/.test(file))
        faults.push(`${file}: name`)
      if (/\b(TODO|FIXME|XXX|HACK)\b/.test(text) && file !== 'tests/architecture.test.ts') {
        faults.push(`${file} holds a word for something unfinished`)
      }
      if (
        /\bvi\.mock\(|\.only\(|\bit\.todo\b/.test(text) &&
        file !== 'tests/architecture.test.ts'
      ) {
        faults.push(`${file} mocks or leaves out`)
      }
      if (/^export default/m.test(text)) faults.push(`${file} has a default export`)
    }
    expect(faults).toEqual([])
  })

  it('lists every kind and every format, one file each', () => {
    const kinds = readdirSync(join(ROOT, 'lib/telemetry/kinds')).map((name) => name.slice(0, -3))
    expect(kinds.toSorted()).toEqual(
      Object.keys(KINDS)
        .map((name) => name.replaceAll('_', '-'))
        .toSorted(),
    )
    const entries = readdirSync(join(ROOT, 'ingest/formats'), { withFileTypes: true })
    const formats = entries
      .filter((entry) => entry.isFile() && !['catalogue.ts', 'format.ts'].includes(entry.name))
      .map(({ name }) => name.slice(0, -3))
    // Parts of one format lie in a folder of its name, those of several in folders named by subject.
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    const shared = ['payload', 'lorawan', 'meters', 'trucks']
    expect(folders.filter((name) => ![...shared, ...formats].includes(name))).toEqual([])
    expect(formats.toSorted()).toEqual(Object.keys(FORMATS).toSorted())
    for (const name of formats) expect(existsSync(join(ROOT, 'tests/cases', name)), name).toBe(true)
  })

  it('throws only errors and counts only metrics of the tables, and uses all of them', () => {
    const text = SOURCES.filter((file) => !/runtime\/(errors|metrics)\.ts$/.test(file))
      .map(read)
      .join('\n')
    const thrown = [...text.matchAll(/new PlatformError\(\s*'([A-Z_]+)'/g)].map((match) => match[1])
    expect(thrown.filter((code) => !Object.hasOwn(ERRORS, code ?? ''))).toEqual([])
    expect(Object.keys(ERRORS).filter((code) => !text.includes(`'${code}'`))).toEqual([])
    expect(Object.keys(METRICS).length).toBeGreaterThan(10)
  })

  it('has generated files that match their source', () => {
    for (const [path, make] of Object.entries(GENERATED)) {
      expect(read(path), `${path}: run npm run generate`).toBe(make())
    }
  })

  it('names only commands and paths in its documents that exist', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const faults: string[] = []
    for (const file of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...docs()]) {
      const text = read(file)
      for (const [, name = ''] of text.matchAll(/npm run (?:--silent )?([a-z:-]+)/g)) {
        if (!Object.hasOwn(scripts, name)) faults.push(`${file}: npm run ${name}`)
      }
      for (const [, path = ''] of text.matchAll(
        /`((?:lib|broker|ingest|api|tests|docs|bench|scripts)\/[\w./-]+)`/g,
      )) {
        if (!existsSync(join(ROOT, path))) faults.push(`${file}: ${path}`)
      }
    }
    expect(faults).toEqual([])
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(131)
  })

  it('opens nothing when a module is only imported', () => {
    const entries = new Set([
      'main.ts',
      'ingest/worker-thread/worker.ts',
      'simulators/end-with-parent.ts',
    ])
    const modules = SOURCES.filter((file) => !entries.has(file) && !/^(bench|scripts)\//.test(file))
    const program = `
      for (const file of ${JSON.stringify(modules)}) await import('./' + file)
      const open = process.getActiveResourcesInfo().filter((name) => !/TTY|Pipe|FSReq|CloseReq|Immediate/.test(name))
      process.stdout.write(JSON.stringify(open))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: ROOT,
    })
    expect(JSON.parse(out.toString())).toEqual([])
  })
})

function docs(): string[] {
  return readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
}

function filesBelow(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    existsSync(join(ROOT, folder))
      ? readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => /\.tsx?$/.test(name))
          .map((name) => join(folder, name))
      : [],
  )
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}

/** Imports that are erased before a bundle is made. */
function withoutTypeImports(text: string): string {
  return text.replaceAll(/^import type [^']*'[^']+'$/gm, '')
}

/** Paths of ours from the root, or package names as written. */
function importsOf(file: string, text = read(file)): string[] {
  const found = [...text.matchAll(/(?:\bfrom\s|\bimport\s|\bimport\()\s*'([^']+)'/g)].map(
    (match) => match[1] ?? '',
  )
  return found.map((target) => {
    if (target.startsWith('#lib/')) return target.slice(1)
    if (target.startsWith('.')) return normalize(join(dirname(file), target))
    return target
  })
}

function isOurs(target: string): boolean {
  return /^(lib|broker|ingest|api|simulators|seeds|dashboards|scripts|bench|tests|platform)\/|^(main\.ts|demo\.ts|node-version\.mjs)$/.test(
    target,
  )
}

function npmName(target: string): string {
  const parts = target.split('/')
  return target.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? target)
}
