import type { ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { waitFor } from '../../tests/support/wait-for.ts'

/** Waits until a port of this machine accepts connections. */
export async function listening(port: number): Promise<void> {
  await waitFor(() => accepts(port), { what: `port ${port} to accept connections` })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/** Ends a child in order. */
export function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
