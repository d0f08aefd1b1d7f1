import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { MqttSourceStatus } from '../../../ingest/sources/mqtt/mqtt-source.ts'
import type { ProcessOptions, ProcessQuestion } from './ingest-process.ts'

const PROGRAM = fileURLToPath(new URL('./ingest-process.ts', import.meta.url))

export type ProcessStatus = MqttSourceStatus & {
  readonly durable: number
  readonly lagMessages: number
  readonly cpuS: number
}

/** An ingest role in a process of its own (`ingest-process.ts`). */
export interface IntakeChild {
  readonly pid: number
  status(): Promise<ProcessStatus>
  stored(): Promise<readonly string[]>
  log(): string
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
}

export async function startIntake(options: ProcessOptions): Promise<IntakeChild> {
  const child = fork(PROGRAM, [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  })
  let log = ''
  child.stderr?.on('data', (bytes: Buffer) => (log += bytes.toString()))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await answer(child, exited, () => log)
  return {
    pid: child.pid ?? 0,
    status: () => ask<ProcessStatus>('status'),
    stored: () => ask<readonly string[]>('stored'),
    log: () => log,
    async stop() {
      child.kill('SIGTERM')
      return await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }

  async function ask<T>(question: ProcessQuestion): Promise<T> {
    const said = answer(child, exited, () => log)
    child.send(question)
    // The program answers each question with exactly this.
    return (await said) as T
  }
}

function answer(
  child: ChildProcess,
  exited: Promise<number | null>,
  log: () => string,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    void exited.then((code) => reject(new Error(`the intake ended with ${code}: ${log()}`)))
  })
}
