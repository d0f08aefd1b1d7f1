import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { hasProgram } from '../../tests/support/influxd.ts'
import { FLEET_SIZE, type Subject } from '../subjects/subject.ts'

/** What the generator prints; beside these a part per process it watched. */
export interface LoadResult {
  /** Messages, those of the warm-up included. */
  readonly sent: number
  readonly acked: number
  readonly ack_ms: { readonly p50: number; readonly p99: number; readonly p999: number }
  /** Messages that were due at the end and not sent. */
  readonly backlog: number
  readonly gen_core: number
  readonly machine_busy_cores: number
  readonly steal_cores: number
  readonly [pid: string]: unknown
}

export interface Load {
  /** Messages per second, open loop. */
  readonly rate: number
  readonly seconds: number
}

export interface Generator {
  /** From its C source in `tools`; false where that or a compiler is missing. */
  build(tools: string | null): boolean
  /** What it prints, given plain arguments. */
  run(args: readonly string[]): string
  /** Load of the whole fleet, 2 s of warm-up before `seconds`. */
  load(subject: Subject, load: Load, more?: readonly string[]): Promise<LoadResult>
  /** Load that is not measured, with one device left out. */
  loadInBackground(subject: Subject, load: Load): Promise<void>
}

/** The load generator, as a program at `path`. */
export function createGenerator(path: string): Generator {
  let loads = 0
  return {
    build(tools) {
      if (!tools || !hasProgram('gcc')) return false
      execFileSync('gcc', ['-O2', '-o', path, join(tools, 'mqload.c'), '-lm'])
      return true
    },
    run: (args) => execFileSync(path, args).toString(),
    async load(subject, load, more = []) {
      loads += 1
      const seq = ['--seq-start', String(loads * 10_000_000 + 1)]
      const times = ['--warmup', '2', '--drain', '3']
      const fleet = fleetArguments(subject, FLEET_SIZE, load)
      return JSON.parse(
        await output(path, [...fleet, ...times, ...seq, ...pidArguments(subject), ...more]),
      )
    },
    async loadInBackground(subject, load) {
      const fleet = fleetArguments(subject, FLEET_SIZE - 1, load)
      await output(path, [...fleet, '--warmup', '1', '--seq-start', '500000000'])
    },
  }
}

/** Options of the generator that make it watch the processes of a subject. */
export function pidArguments({ pids }: Subject): string[] {
  return Object.entries(pids).flatMap(([name, pid]) => ['--pid', `${name}=${pid}`])
}

function fleetArguments(subject: Subject, clients: number, { rate, seconds }: Load): string[] {
  const fleet = ['--clients', String(clients), '--qos', '1', '--window', '64']
  return [...subject.load, ...fleet, '--rate', String(rate), '--duration', String(seconds)]
}

/** Without blocking: this process may send queries meanwhile. */
async function output(path: string, args: readonly string[]): Promise<string> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`the load generator ended with ${String(code)}: ${text}`)
  return text
}
