import { spawn } from 'node:child_process'
import { peerFolder } from './peer-folder.ts'
import { listening, stopped } from './processes.ts'
import type { Subject } from './subject.ts'

/** Plain Aedes, one process, nothing behind it: neither checked nor stored nor durable. */
export async function plainAedes(tools: string, dir: string): Promise<Subject> {
  const port = 21885
  const folder = peerFolder(tools, dir)
  const child = spawn(process.execPath, ['aedes-plain.mjs', String(port)], {
    cwd: folder,
    stdio: 'ignore',
  })
  await listening(port)
  return {
    name: 'plain Aedes',
    pids: { aedes: child.pid ?? 0 },
    load: ['--port', String(port)],
    rows: () => Promise.resolve(Number.NaN),
    probe: null,
    stop: () => stopped(child),
  }
}
