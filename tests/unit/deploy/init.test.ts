import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '#lib/runtime/config.ts'
import { readGiven } from '#lib/runtime/command.ts'
import {
  INIT_COMMAND,
  SECRETS,
  init,
  initOptions,
  type InitOptions,
} from '../../../scripts/init.ts'
import { temporaryDir } from '../../support/platform.ts'
import { ROOT } from './compose-file.ts'

const optionsOf = (...args: readonly string[]) => initOptions(readGiven(INIT_COMMAND, args).given)

describe('npm run init', () => {
  let dir: ReturnType<typeof temporaryDir>
  let options: InitOptions

  beforeEach(() => {
    dir = temporaryDir('init')
    mkdirSync(join(dir.path, 'certs'))
    options = {
      profiles: ['single', 'influx2'],
      tls: null,
      file: join(dir.path, '.env'),
      certs: join(dir.path, 'certs'),
    }
  })
  afterEach(() => dir.remove())

  const values = () => parseEnv(readFileSync(options.file, 'utf8'))

  it('makes every secret, all different and impossible to guess, readable by its owner only', () => {
    init(options)
    expect(statSync(options.file).mode & 0o777).toBe(0o600)
    const made = Object.keys(SECRETS).map((name) => values()[name] ?? '')
    expect(new Set(made).size).toBe(made.length)
    for (const secret of made) expect(secret).toMatch(/^[a-z0-9]+_[\w-]{32,}$/)
  })

  it('makes different ones each time', () => {
    init(options)
    const first = values()
    init({ ...options, file: join(dir.path, 'other') })
    const second = parseEnv(readFileSync(join(dir.path, 'other'), 'utf8'))
    for (const name of Object.keys(SECRETS)) expect(second[name]).not.toBe(first[name])
  })

  it('prints what it made without a secret', () => {
    const said = init(options).join('\n')
    for (const [name, { about }] of Object.entries(SECRETS)) {
      expect(said).toContain(name)
      expect(said).toContain(about)
      expect(said).not.toContain(values()[name])
    }
  })

  it('never changes an existing file', () => {
    writeFileSync(options.file, 'PADBORG_LOG_LEVEL=info\n')
    expect(() => init({ ...options, tls: 'gw.example' })).toThrow(/exists already/)
    expect(readFileSync(options.file, 'utf8')).toBe('PADBORG_LOG_LEVEL=info\n')
    expect(readdirSync(options.certs)).toEqual([])
  })

  it('gives Grafana the token of an InfluxDB that has no read-only accounts', () => {
    init({ ...options, profiles: ['single', 'influx3'] })
    expect(values()['GRAFANA_INFLUX_PASSWORD']).toBe(values()['INFLUX_TOKEN'])
    expect(values()['INFLUX_TOKEN']).toMatch(/^apiv3_/)
  })

  it('writes a file that npm start can read as well', () => {
    init({ ...options, profiles: ['single', 'influx2', 'tls'] })
    expect(readConfig(values()).problems).toEqual([])
  })

  it('makes a certificate only when asked, signed by its own authority', () => {
    init(options)
    expect(readdirSync(options.certs)).toEqual([])
    const asked = optionsOf('--tls', 'gw.example', '--certs', options.certs)
    expect(asked.profiles).toEqual(['single', 'influx2', 'tls'])
    init({ ...asked, file: join(dir.path, 'with-tls') })
    expect(readFileSync(join(dir.path, 'with-tls'), 'utf8')).toContain('MQTTS_LISTENER=8883')
    const read = (name: string) => readFileSync(join(options.certs, name))
    const certificate = new X509Certificate(read('fullchain.pem'))
    expect(certificate.checkHost('gw.example')).toBe('gw.example')
    expect(certificate.checkHost('other.example')).toBeUndefined()
    expect(certificate.verify(new X509Certificate(read('ca.pem')).publicKey)).toBe(true)
    expect(certificate.ca).toBe(false)
    for (const name of ['ca.key', 'privkey.pem']) {
      expect(statSync(join(options.certs, name)).mode & 0o777).toBe(0o600)
    }
    expect(() => init({ ...asked, file: join(dir.path, 'again') })).toThrow(/exists already/)
  })

  it.each([
    ['an unknown profile', ['--profiles', 'single,influx2,kafka'], /kafka: expected some of/],
    [
      'two shapes',
      ['--profiles', 'single,split,influx2'],
      /expected one of single, split, foreign/,
    ],
    ['no store', ['--profiles', 'split'], /expected one of influx2, influx3, got none/],
    ['simulators at mosquitto', ['--profiles', 'foreign,influx2,simulators'], /built-in broker/],
    ['a host that is none', ['--tls', 'a b'], /--tls a b: expected a host name/],
    ['a word', ['now'], /now/],
  ])('refuses %s', (_what, args, problem) => {
    expect(() => optionsOf(...args)).toThrow(problem)
  })

  it('ends with exit code 0, 1 for an existing file, 2 for wrong arguments', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['scripts/init.ts', '--file', options.file, ...args], {
        cwd: ROOT,
        encoding: 'utf8',
      })
    expect(run()).toMatchObject({ status: 0, stderr: '' })
    expect(run()).toMatchObject({ status: 1, stderr: expect.stringContaining('exists already') })
    expect(run('--profiles', 'x')).toMatchObject({ status: 2 })
  })

  it('writes only to files that git ignores', () => {
    const paths = ['.env', 'deploy/certs/privkey.pem', 'deploy/certs/ca.key']
    const ignored = execFileSync('git', ['check-ignore', ...paths], { cwd: ROOT, encoding: 'utf8' })
    expect(ignored.trim().split('\n')).toEqual(paths)
  })
})
