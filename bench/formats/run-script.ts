import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** The JSON that a script of this folder prints. A process of its own: no other section has warmed it. */
export function runScript(name: 'costs.ts' | 'fuzz.ts', args: readonly string[]): unknown {
  const script = join(import.meta.dirname, name)
  const out = execFileSync(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(out.toString())
}
