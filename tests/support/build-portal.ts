import { execFileSync } from 'node:child_process'

const ROOT = new URL('../..', import.meta.url).pathname

/** As `npm start` does before it starts the platform. */
export function buildPortal(): void {
  execFileSync(process.execPath, ['scripts/build-portal.ts'], { cwd: ROOT, stdio: 'inherit' })
}
