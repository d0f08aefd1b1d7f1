import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '#lib/runtime/config.ts'
import { SETTINGS } from '#lib/runtime/settings/sections.ts'
import { chooseRoles, isRole } from '#lib/runtime/settings/roles.ts'
import { EXTRAS, SECRETS, SHAPES, STORES } from '../../../scripts/init.ts'
import {
  COMPOSE_TEXT,
  ROOT,
  activeServices,
  environmentOf,
  interpolate,
  namesOf,
  networksOf,
  readCompose,
  variablesOf,
  type Service,
} from './compose-file.ts'
import { IMAGE_TOOLS, toolsOf } from './image-tools.ts'

const compose = readCompose()
const services = Object.entries(compose.services)
const ours = services.filter(([, { build }]) => build !== undefined)
const theirs = services.filter(([, { build }]) => build === undefined)
const lasting = services.filter(([, { healthcheck }]) => healthcheck !== undefined)
const DOCUMENT = readFileSync(join(ROOT, 'docs/deployment.md'), 'utf8')

/** As `npm run init` writes it, with values that can be told apart. */
const INIT: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(SECRETS).map(([name, { prefix }]) => [name, `${prefix}${name}-0123456789`]),
)
const INIT_TLS = { ...INIT, MQTTS_LISTENER: '8883' }

/** Every set of profiles that init lets pass, without the extras. */
const CHOICES = SHAPES.flatMap((shape) => STORES.map((store) => [shape, store]))

describe('docker-compose.yml and the settings', () => {
  it.each(ours)('%s is given only settings that exist', (_name, { environment }) => {
    const unknown = Object.keys(environment).filter((name) => !Object.hasOwn(SETTINGS, name))
    expect(unknown).toEqual([])
  })

  it.each(ours)('%s is given values that the platform accepts', (_name, service) => {
    for (const env of [INIT, INIT_TLS]) {
      expect(readConfig(environmentOf(service, env)).problems).toEqual([])
    }
  })

  it.each(ours)('%s has roles that can run with its settings', (_name, service) => {
    const [, program, ...words] = service.command ?? []
    const roles = program === 'main.ts' ? words : []
    expect(roles.filter((word) => !isRole(word))).toEqual([])
    const chosen = chooseRoles(roles.filter(isRole), environmentOf(service, INIT))
    expect(chosen.problems).toEqual([])
  })

  it('needs exactly what npm run init makes, and documents every other variable', () => {
    const variables = variablesOf(COMPOSE_TEXT)
    const needed = variables.filter(({ fallback }) => fallback === undefined)
    expect(new Set(needed.map(({ name }) => name))).toEqual(new Set(Object.keys(SECRETS)))
    const optional = variables.filter(({ fallback }) => fallback !== undefined)
    for (const { name, fallback } of optional) {
      expect(DOCUMENT, name).toContain(`| \`${name}\` | \`${fallback}\` |`)
    }
  })

  it('holds no password, token or key of its own', () => {
    for (const [name, { environment }] of services) {
      for (const [key, value] of Object.entries(environment)) {
        if (!/PASSWORD|TOKEN|SECRET|_KEY$/.test(key) || key === 'PADBORG_TLS_KEY') continue
        expect(value, `${name} ${key}`).toMatch(/^\$\{\w+:\?run npm run init\}$/)
      }
    }
    expect(() => interpolate('${INFLUX_TOKEN:?run npm run init}', {})).toThrow('run npm run init')
  })

  it('puts no secret on a command line, where every user of the host could read it', () => {
    for (const [name, { command = [], entrypoint = [], healthcheck }] of services) {
      for (const word of [...command, ...entrypoint, ...(healthcheck?.test ?? [])]) {
        expect(variablesOf(word), `${name}: ${word}`).toEqual([])
      }
    }
  })
})

describe('every container', () => {
  it.each(services)(
    '%s is not root, cannot gain rights, and writes only to its volumes and memory',
    (_, one) => {
      expect(one.user).toMatch(/^[1-9]\d*:\d+$/)
      expect(one.read_only).toBe(true)
      expect(one.cap_drop).toEqual(['ALL'])
      expect(one.security_opt).toEqual(['no-new-privileges:true'])
      expect(one.pids_limit).toBeLessThanOrEqual(512)
      for (const mount of one.tmpfs) expect(mount).toMatch(/^\/[\w/]+:size=\d+m,mode=(1777|0700)/)
      for (const mount of one.volumes.filter((text) => text.startsWith('.'))) {
        expect(mount).toMatch(/:ro$/)
      }
    },
  )

  it.each(ours)('%s is built from this folder', (_name, { image }) => {
    expect(image).toBe('padborg-telemetry:local')
  })

  it.each(theirs)('%s is pinned by digest, and documented', (_name, { image }) => {
    expect(image).toMatch(/^[a-z0-9./-]+:\d[\w.-]*@sha256:[0-9a-f]{64}$/)
    expect(DOCUMENT).toContain(`| \`${image.split('@')[0]}\` |`)
  })

  it.each(lasting)('%s checks its health with a command that its image has', (_name, one) => {
    const [how = '', command = ''] = one.healthcheck?.test ?? []
    const shell = how === 'CMD-SHELL' ? ['/bin/sh'] : []
    const used = [...shell, command.split(' ')[0], one.entrypoint?.[0], one.command?.[0]]
    expect(how).toMatch(/^CMD(-SHELL)?$/)
    const known = toolsOf(one.image)
    expect(used.filter((word) => word !== undefined && !known.includes(word))).toEqual([])
  })

  it('has a health check unless it runs once or listens nowhere', () => {
    const without = services.filter(([, { healthcheck }]) => !healthcheck).map(([name]) => name)
    expect(without).toEqual(['seed', 'simulators'])
  })

  it('names the public source of each table of commands', () => {
    for (const { source } of Object.values(IMAGE_TOOLS)) expect(source.length).toBeGreaterThan(20)
  })
})

describe('ports, volumes and files', () => {
  it.each(services)('%s publishes on this machine only by default', (name, one) => {
    for (const port of one.ports) {
      const [address = '', published = '', target = ''] = interpolate(port, {}).split(':')
      expect(address, port).toBe('127.0.0.1')
      expect(variablesOf(port).map((variable) => variable.name)).toEqual([
        expect.stringMatching(/^PUBLISH_(TLS_)?ADDRESS$/),
        expect.stringMatching(/^PUBLISH_\w+_PORT$/),
      ])
      expect(listenedPorts(name, one), `${name} listens on ${target}`).toContain(target)
      expect(Number(published)).toBeGreaterThan(0)
    }
  })

  it.each(CHOICES)('with %s and %s no two services publish the same port', (...profiles) => {
    const active = activeServices(compose, [...profiles, ...EXTRAS])
    const published = active.flatMap((name) =>
      (compose.services[name]?.ports ?? []).map((port) => interpolate(port, {}).split(':')[1]),
    )
    expect(published).toEqual([...new Set(published)])
  })

  it('declares every named volume, uses every declared one, and mounts files that exist', () => {
    const mounted = services.flatMap(([, { volumes }]) => volumes.map((text) => text.split(':')))
    const named = mounted.filter(([from = '']) => !from.startsWith('.')).map(([from]) => from)
    expect(new Set(named)).toEqual(new Set(Object.keys(compose.volumes)))
    const files = mounted.map(([from = '']) => from).filter((from) => from.startsWith('.'))
    expect(files.filter((from) => !existsSync(join(ROOT, from)))).toEqual([])
  })

  it('keeps InfluxDB in an internal network without published ports', () => {
    expect(compose.networks['store']?.internal).toBe(true)
    for (const name of ['influxdb', 'influxdb3']) {
      const { ports = [], networks = [] } = compose.services[name] ?? {}
      expect(ports).toEqual([])
      expect(Object.keys(networks)).toEqual(['store'])
    }
    const published = services.filter(([, { ports }]) => ports.length > 0)
    for (const [name, one] of published) expect(networksOf(one), name).toContain('front')
  })

  it('gives Grafana every variable that its provisioning uses', () => {
    const { volumes = [], environment = {} } = compose.services['grafana'] ?? {}
    const mounts = volumes.map((text) => text.split(':'))
    const sourceOf = (target: string) => mounts.find(([, to]) => to === target)?.[0] ?? ''
    const folder = join(ROOT, sourceOf('/etc/grafana/provisioning'))
    // Queries of alert rules have dollar signs of their own.
    const files = ['dashboards', 'datasources'].flatMap((part) =>
      readdirSync(join(folder, part)).map((name) => join(folder, part, name)),
    )
    const asked = files.flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\$\{?(\w+)/g)].map(([, name]) => name),
    )
    expect(asked.length).toBeGreaterThan(3)
    expect(asked.filter((name) => !Object.hasOwn(environment, name ?? ''))).toEqual([])
    expect(sourceOf(environment['PADBORG_BOARDS_DIR'] ?? '')).toBe('./dashboards/grafana/generated')
  })

  it('mounts scripts that their shells can read', () => {
    const scripts = [
      ['bash', 'deploy/influxdb/10-grafana-reader.sh'],
      ['bash', 'deploy/influxdb3/start.sh'],
      ['sh', 'deploy/mosquitto/start.sh'],
    ] as const
    for (const [shell, path] of scripts) {
      execFileSync(shell, ['-n', join(ROOT, path)])
      // The set-up of InfluxDB runs only files that its user may execute.
      expect(statSync(join(ROOT, path)).mode & 0o111, path).toBe(0o111)
    }
  })
})

describe('profiles', () => {
  it('are those of npm run init, and documented', () => {
    const used = services.flatMap(([, { profiles = [] }]) => profiles)
    const known = [...SHAPES, ...STORES, ...EXTRAS]
    expect(new Set(used)).toEqual(new Set(known))
    for (const name of known) expect(DOCUMENT).toContain(`| \`${name}\` |`)
  })

  it.each(CHOICES)('%s with %s has one portal, one store and one broker', (...profiles) => {
    const names = activeServices(compose, profiles).flatMap((name) => {
      const one = compose.services[name]
      return one ? namesOf(name, one) : []
    })
    const times = (wanted: string) => names.filter((name) => name === wanted).length
    expect(times('portal')).toBe(1)
    expect(times('influx')).toBe(1)
    expect(times('broker') + times('mosquitto')).toBe(1)
    expect(times('grafana')).toBe(1)
  })

  it.each(CHOICES)('%s with %s refers only to hosts that exist', (...profiles) => {
    const active = activeServices(compose, profiles)
    const reachable = new Set(
      active.flatMap((name) => {
        const one = compose.services[name]
        return one ? namesOf(name, one) : []
      }),
    )
    for (const name of active) {
      const environment = Object.values(compose.services[name]?.environment ?? {})
      const hosts = environment.flatMap((value) =>
        [...interpolate(value, INIT).matchAll(/(?:https?|mqtts?):\/\/(?:[^@,]*@)?([\w-]+)/g)].map(
          ([, host = '']) => host,
        ),
      )
      expect(
        hosts.filter((host) => !reachable.has(host)),
        name,
      ).toEqual([])
    }
  })

  it('wait only for services that exist and have a health check', () => {
    const waits = services.flatMap(([name, { depends_on: needs, profiles }]) =>
      Object.entries(needs).map(([other, need]) => ({ ...need, name, other, profiles })),
    )
    expect(waits.length).toBeGreaterThan(5)
    const faults = waits.filter(({ other, condition, required, profiles = [] }) => {
      const target = compose.services[other]
      if (!target) return true
      if (condition === 'service_healthy' && !target.healthcheck) return true
      const isThere = profiles.every((profile) => target.profiles?.includes(profile) ?? true)
      return required && !isThere
    })
    expect(faults).toEqual([])
  })
})

/** Ports that the settings, or the configuration file of an image, make a service listen on. */
function listenedPorts(name: string, service: Service): string[] {
  if (service.build) {
    const environment = environmentOf(service, INIT_TLS)
    return Object.entries(environment)
      .filter(([key]) => key.endsWith('_PORT'))
      .map(([, value]) => value)
  }
  const read = (path: string, pattern: RegExp) =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(pattern)].map(([, port = '']) => port)
  if (name === 'mosquitto') return read('deploy/mosquitto/mosquitto.conf', /^listener (\d+)/gm)
  if (name === 'tls') return read('deploy/nginx/nginx.conf', /listen (\d+) ssl/g)
  return name === 'grafana' ? ['3000'] : []
}
