import { spawn } from 'node:child_process'
import { openSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_FLAGS, PROCESS_ENV } from '#lib/runtime/threads/process-flags.ts'
import { RefusedError } from '#lib/runtime/command.ts'

export interface ChildOptions {
  readonly root: string
  readonly script: string
  readonly args: readonly string[]
  /** File to which its standard error is appended. */
  readonly log: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A process of the demo. It ends with its parent, however that ends. */
export interface Child {
  /** Its first line on standard output; rejects when it ends before. */
  readonly ready: Promise<string>
  /** Resolves with the exit code, or the signal. */
  readonly exited: Promise<number | string>
  /** SIGTERM, and resolves when it is gone. */
  stop(): Promise<void>
  /** Where to read its standard error. */
  logHint(): string
}

export function startChild({ root, script, args, log, env }: ChildOptions): Child {
  const errors = openSync(log, 'a', 0o600)
  const preload = join(root, 'simulators/end-with-parent.ts')
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, '--import', preload, join(root, script), ...args],
    {
      env: { ...PROCESS_ENV, ...env },
      stdio: ['ignore', 'pipe', errors, 'ipc'],
      // Ctrl-C reaches the group of the terminal: the parent alone decides in which order all end.
      detached: true,
    },
  )
  closeSync(errors)
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'no code'))
    child.once('error', (error) => resolve(error.message))
  })
  const ready = new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text.includes('\n')) return
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    void exited.then((code) =>
      reject(new RefusedError(`${script} ended with ${code} before it was ready; see ${log}`)),
    )
  })
  // A caller that does not wait for it must not cause an unhandled rejection.
  ready.catch(() => {})
  return {
    ready,
    exited,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
    logHint: () => `see ${log}`,
  }
}
