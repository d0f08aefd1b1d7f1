import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { waitFor } from '../support/wait-for.ts'

export interface Ports {
  readonly mqtt?: number
  readonly http?: number
  readonly ingest?: number
}

export interface Running {
  readonly ready: Ports
  said(): string
  stop(): Promise<number | null>
  kill(): Promise<void>
}

/** The command of a service, until it has written its first line. */
export async function startProcess(
  app: string,
  [program, ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Running> {
  expect(program).toBe('node')
  const child = spawn(process.execPath, args, {
    cwd: app,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended: ${errors}`)
      return said.includes('\n')
    },
    { timeoutMs: 60_000, what: `${args.join(' ')} to be ready` },
  )
  return {
    ready: JSON.parse(said.slice(0, said.indexOf('\n'))),
    said: () => said,
    async stop() {
      child.kill('SIGTERM')
      return await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A command that ends by itself. */
export async function run(
  app: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) {
  const child = spawn(process.execPath, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, said }
}

/** Paths below a mounted volume become paths below a folder of its name. */
export function onVolumes(
  settings: Readonly<Record<string, string>>,
  volumes: readonly string[],
  dir: string,
): Record<string, string> {
  const mounts = volumes.map((text) => text.split(':'))
  const entries = Object.entries(settings).map(([name, value]) => {
    const [from, to = ''] = mounts.find(([, target]) => `${value}/`.startsWith(`${target}/`)) ?? []
    return [name, from && !from.startsWith('.') ? join(dir, from, value.slice(to.length)) : value]
  })
  return Object.fromEntries(entries)
}
