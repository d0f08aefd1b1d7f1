import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Abuse, Attempts } from './abuse.ts'
import type { Place } from './place.ts'

const PROGRAM = new URL('run.ts', import.meta.url).pathname
/** A program that does not end by itself then is ended. */
const GRACE_MS = 5000

/** Runs an abuse for some seconds in a process of its own; null where it did not come to an end. */
export async function startAbuse(
  { name }: Abuse,
  place: Place,
  seconds: number,
): Promise<Attempts | null> {
  const child = spawn(process.execPath, [PROGRAM, name, String(seconds), JSON.stringify(place)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000 + GRACE_MS)
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(child, 'close')
  clearTimeout(timer)
  return text === '' ? null : (JSON.parse(text) as Attempts)
}
