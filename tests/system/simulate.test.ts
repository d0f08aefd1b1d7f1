import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const TRACE = new URL('../../../shared/traces/cicv5g_urban_n78_v0_run01.csv', import.meta.url)
const hasTrace = existsSync(TRACE)
if (!hasTrace) process.stderr.write('the replay test is skipped: ../shared/traces is not there\n')

describe('npm run simulate', () => {
  const dir = temporaryDir('simulate')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
  })
  afterAll(async () => {
    await platform.stop()
    dir.remove()
  })

  it.each(['mixed', 'faulty'])('%s: every acknowledged message is accounted for', async (name) => {
    const run = start([name, '--devices', '10', '--rate', '100', '--seconds', '3', '--seed', '4'])
    expect(await run.exited, run.errors()).toBe(0)
    const sent = figure(run.output(), 'sent')
    expect(sent).toBeGreaterThanOrEqual(300)
    expect(figure(run.output(), 'acknowledged')).toBe(sent)
    const settled = ['stored', 'rejected', 'duplicate'].map((word) => figure(run.output(), word))
    expect(settled.reduce((sum, n) => sum + n, 0)).toBe(sent)
    expect(Math.min(...settled) > 0).toBe(name === 'faulty')
    expect(run.output()).toMatch(/PUBACK +p50 [\d.]+ ms, p99 [\d.]+ ms/)
    expect(run.errors()).toMatch(/\d+ sent, \d+ acknowledged/)
    expect(await simulatedDevices()).toEqual([])
  })

  it('removes its devices when it is interrupted', async () => {
    const run = start(['fleet', '--devices', '5', '--rate', '50', '--seconds', '600'])
    await waitFor(() => run.output() === '' && run.errors().includes('acknowledged'))
    expect(await simulatedDevices()).toHaveLength(5)
    run.child.kill('SIGINT')
    expect(await run.exited, run.errors()).toBe(130)
    expect(figure(run.output(), 'acknowledged')).toBeGreaterThan(0)
    expect(await simulatedDevices()).toEqual([])
  })

  it('reports the fault and exits with 2 for wrong arguments, with 1 when it cannot run', async () => {
    const unknown = start(['fireworks'])
    expect(await unknown.exited).toBe(2)
    expect(unknown.errors()).toMatch(/expected one of fleet.*got fireworks/)
    const nobody = start(['fleet', '--api', 'http://127.0.0.1:1'])
    expect(await nobody.exited).toBe(1)
    expect(nobody.errors()).toMatch(/expected a platform there/)
  })

  it.skipIf(!hasTrace)('replays a trace whose last row is of now', async () => {
    const before = Date.now()
    const run = start(['replay', '--trace', TRACE.pathname, '--mark', 'urban'])
    expect(await run.exited, run.errors()).toBe(0)
    expect(figure(run.output(), 'stored')).toBe(figure(run.output(), 'sent'))
    const { body } = await platform.api(
      '/readings?kind=probe&device=simulation.urban-cicv5g&order=desc&limit=1',
    )
    const [last] = body.data
    expect(last.seq).toBe(figure(run.output(), 'sent'))
    expect(Date.parse(last.time)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(last.time)).toBeLessThanOrEqual(Date.now())
    expect(last.fields.rttMs).toBeGreaterThan(0)
  })

  function start(args: readonly string[]) {
    const { mqtt, http } = platform.ready
    const there = ['--url', `mqtt://127.0.0.1:${mqtt}`, '--key', ADMIN_KEY]
    const api = args.includes('--api') ? [] : ['--api', `http://127.0.0.1:${http}`]
    const child = spawn(process.execPath, ['simulators/main.ts', ...args, ...there, ...api], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [output, errors] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
    return { child, exited, output: () => output, errors: () => errors }
  }

  async function simulatedDevices(): Promise<string[]> {
    const { body } = await platform.api('/devices?limit=1000')
    return body.data
      .map(({ id }: { id: string }) => id)
      .filter((id: string) => id.startsWith('simulation.sim-'))
  }
})

/** The number behind a word of the report. */
function figure(report: string, word: string): number {
  return Number(new RegExp(`^${word} +(\\d+)`, 'm').exec(report)?.[1])
}
