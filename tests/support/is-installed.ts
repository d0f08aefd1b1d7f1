import { execSync } from 'node:child_process'

/** Whether a program is on the PATH. */
export function isInstalled(name: string): boolean {
  try {
    execSync(`command -v ${name}`, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
