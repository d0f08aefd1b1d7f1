import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>
}
/** Commands of ours; the others are those of the tools. */
const COMMANDS = Object.entries(scripts)
  .filter(([name, line]) => line.startsWith('exec ') && !/vitest/.test(line) && !name.includes(':'))
  .map(([name, line]) => ({ name, file: line.split(' ').at(-1) ?? '' }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly errors: string
}

/** Runs a command as npm does, in a folder of its own. */
function start(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(ROOT, file), ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
  })
  let out = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code) => resolve({ code, out, errors })),
  )
  return { child, ended, errors: () => errors }
}

const run = (file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) =>
  start(file, args, cwd, env).ended

describe('the commands of npm run', () => {
  const dir = temporaryDir('commands')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: join(dir.path, 'data') })
  })
  afterAll(async () => {
    await platform.stop()
    dir.remove()
  })

  it('are known to this test', () => {
    expect(COMMANDS.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['start', 'demo', 'seed', 'simulate', 'init', 'backup', 'restore']),
    )
  })

  it.each(COMMANDS)('$name --help says how it is used, with an example', async ({ file, name }) => {
    const { code, out, errors } = await run(file, ['--help'], dir.path)
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(out).toContain(`npm ${name === 'start' ? '' : 'run '}${name}`)
    expect(out).toContain('--help')
    expect(out.toLowerCase()).toContain('examples:')
  })

  it.each(COMMANDS)('$name refuses an unknown option with exit code 2', async ({ file }) => {
    const { code, errors } = await run(file, ['--colour'], dir.path)
    expect(errors).toContain('--colour')
    expect(errors).toContain('--help')
    expect(code).toBe(2)
  })

  it('tell a port in use at once, and leave nothing behind', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const data = join(dir.path, 'new')
    const env = { PADBORG_DATA_DIR: data, PADBORG_MQTT_PORT: '0', PADBORG_MQTT_WS_PORT: '0' }
    const { code, errors } = await run('main.ts', [], dir.path, {
      ...env,
      PADBORG_HTTP_PORT: String(port),
    })
    taken.close()
    expect(errors).toContain(`PADBORG_HTTP_PORT=${port}`)
    expect(code).toBe(1)
    expect(existsSync(data)).toBe(false)
  })

  it('end with 130 when they are interrupted', async () => {
    const args = ['mixed', '--seconds', '600', '--data-dir', join(dir.path, 'data')]
    const { child, ended, errors } = start('simulators/main.ts', args, dir.path)
    await waitFor(() => errors().includes('acknowledged'), { timeoutMs: 30_000 })
    child.kill('SIGINT')
    const { code, out } = await ended
    expect(code).toBe(130)
    expect(out).toContain('acknowledged = stored + rejected + duplicate')
  })

  it('replay says which ids are no rejections, as a table or as JSON, and ends with 1', async () => {
    const args = ['--ids', '4711.0', '--data-dir', join(dir.path, 'data')]
    const table = await run('scripts/replay.ts', args, dir.path)
    expect(table.code).toBe(1)
    expect(table.out).toContain('1 of the ids are no open rejections')
    const json = await run('scripts/replay.ts', [...args, '--json'], dir.path)
    expect(JSON.parse(json.out)).toMatchObject({ recovered: 0, missing: 1 })
  })

  it('publish a message as a device, and show the error that the platform reports to it', async () => {
    const device = await addDevice(platform, { tenant: 'acme', id: 'p1', kind: 'truck' })
    const { username, password } = device
    const account = ['--device', username, '--password', password]
    const send = (json: string) =>
      run('scripts/publish.ts', [...account, '--json', json, '--wait', '5'], dir.path)
    const [good, bad, wrong] = await Promise.all([
      send('{"v":1,"kind":"truck","data":{"speedKmh":50}}'),
      send('{"v":1,"kind":"truck","data":{"speedKmh":"fast"}}'),
      run(
        'scripts/publish.ts',
        ['--device', username, '--password', 'x', '--json', '{}'],
        dir.path,
      ),
    ])
    expect({ code: good.code, out: good.out }).toMatchObject({ code: expect.any(Number) })
    expect(bad.code).toBe(1)
    expect(bad.out).toContain('data.speedKmh')
    expect(wrong.code).toBe(1)
    expect(wrong.errors).toContain('expected to sign in as acme.p1')
    expect(wrong.errors).not.toContain('    at ')
  })
})
