import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DIST, PORTAL_BUILD } from '../dashboards/portal/build-config.ts'

/*
 * Makes the portal when its sources have changed since it was last made. Run before the platform
 * starts, so it must be quick and silent when there is nothing to do, and never stop the start.
 */

const PORTAL = dirname(DIST)
const ROOT = join(PORTAL, '../..')
const STAMP = join(DIST, 'sources.sha256')

/** Of all sources, and of the versions of what is bundled with them. */
function fingerprint(): string {
  const hash = createHash('sha256')
  const names = readdirSync(PORTAL, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((name) => !name.startsWith(DIST))
    .toSorted()
  for (const name of [...names, join(ROOT, 'package.json')]) {
    hash.update(name.slice(ROOT.length)).update('\0').update(readFileSync(name)).update('\0')
  }
  return hash.digest('hex')
}

async function buildPortal(): Promise<void> {
  const wanted = fingerprint()
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  process.stderr.write('Building the portal, for its sources have changed ...\n')
  // Loaded only when needed: it takes far longer than the comparison.
  const { build } = await import('vite')
  await build(PORTAL_BUILD)
  writeFileSync(STAMP, wanted)
}

try {
  await buildPortal()
} catch (error) {
  // The platform works without its portal, and its page says how to build it.
  const reason = error instanceof Error ? error.message : String(error)
  process.stderr.write(`The portal could not be built (${reason}); starting without a new one.\n`)
}
