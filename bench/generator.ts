import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { cpuSeconds, isInstalled, rssMib } from './machine.ts'
import { FLEET, type Subject } from './subjects.ts'

/** What the generator prints; beside these a part per process it watched. */
export interface LoadResult {
  readonly sent: number
  readonly acked: number
  readonly ack_ms: { readonly p50: number; readonly p99: number; readonly p999: number }
  readonly backlog: number
  readonly gen_core: number
  readonly [pid: string]: unknown
}

export interface Generator {
  /** From its C source in `tools`; false where that or a compiler is missing. */
  build(tools: string | null): boolean
  /** What it prints, given plain arguments. */
  run(args: readonly string[]): string
  /** Open loop over the whole fleet, 2 s of warm-up before `seconds`. */
  load(subject: Subject, rate: number, seconds: number, more?: readonly string[]): LoadResult
  /** The same while this process does something else. */
  loadAside(subject: Subject, rate: number, seconds: number): Promise<LoadResult>
  /** Load that nobody measures, with one device left out. */
  loadInBackground(
    subject: Subject,
    { rate, seconds }: { readonly rate: number; readonly seconds: number },
  ): Promise<void>
}

/** The load generator, as a program at `path`. */
export function createGenerator(path: string): Generator {
  let loads = 0

  function argumentsOf(
    subject: Subject,
    rate: number,
    seconds: number,
    more: readonly string[],
  ): string[] {
    const pids = Object.entries(subject.pids).flatMap(([name, pid]) => ['--pid', `${name}=${pid}`])
    const fleet = ['--clients', String(FLEET), '--qos', '1', '--window', '64']
    const times = ['--warmup', '2', '--duration', String(seconds), '--drain', '3']
    loads += 1
    const seq = ['--seq-start', String(loads * 10_000_000 + 1)]
    return [...subject.load, ...fleet, '--rate', String(rate), ...times, ...seq, ...pids, ...more]
  }

  return {
    build(tools) {
      if (!tools || !isInstalled('gcc')) return false
      execFileSync('gcc', ['-O2', '-o', path, join(tools, 'mqload.c'), '-lm'])
      return true
    },
    run: (args) => execFileSync(path, args).toString(),
    load: (subject, rate, seconds, more = []) =>
      JSON.parse(execFileSync(path, argumentsOf(subject, rate, seconds, more)).toString()),
    async loadAside(subject, rate, seconds) {
      const child = spawn(path, argumentsOf(subject, rate, seconds, []), {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
      await new Promise((resolve) => child.once('close', resolve))
      return JSON.parse(text)
    },
    loadInBackground(subject, { rate, seconds }) {
      const args = [...subject.load, '--clients', String(FLEET - 1), '--qos', '1', '--window', '64']
      const load = ['--rate', String(Math.round(rate)), '--warmup', '1']
      const rest = ['--duration', String(seconds), '--seq-start', '500000000']
      const child = spawn(path, [...args, ...load, ...rest], { stdio: 'ignore' })
      return new Promise((resolve) => child.once('exit', () => resolve()))
    },
  }
}

/** The figures of a load on all processes of a subject. */
export function digest(subject: Subject, load: LoadResult) {
  const cpuOf: Record<string, number> = {}
  let cpu = 0
  for (const name of Object.keys(subject.pids)) {
    const figures = load[name]
    if (isFigures(figures)) {
      cpuOf[name] = figures.cpu_s_per_M
      cpu += figures.cpu_s_per_M
    }
  }
  const { sent, acked, ack_ms: ack } = load
  return {
    sent,
    acked,
    p50Ms: ack.p50,
    p99Ms: ack.p99,
    cpuPerMillionS: cpu,
    cpuOf,
    rssMib: rssOfAll(subject),
    generatorCores: load.gen_core,
  }
}

function isFigures(value: unknown): value is { readonly cpu_s_per_M: number } {
  return typeof value === 'object' && value !== null && 'cpu_s_per_M' in value
}

/** Processor seconds of all its processes so far. */
export function cpuOfAll({ pids }: Subject): number {
  return Object.values(pids).reduce((sum, pid) => sum + cpuSeconds(pid), 0)
}

/** Resident memory of all its processes, MiB. */
export function rssOfAll({ pids }: Subject): number {
  return Object.values(pids).reduce((sum, pid) => sum + rssMib(pid), 0)
}
