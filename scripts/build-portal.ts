import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DIST, PORTAL_BUILD } from '../dashboards/portal/build-config.ts'

/*
 * Builds the portal when its sources have changed since the last build. It runs before the platform
 * starts, so it is quick and silent when there is nothing to do, and never prevents the start.
 */

const PORTAL = dirname(DIST)
const ROOT = join(PORTAL, '../..')
const STAMP = join(DIST, 'sources.sha256')

/** Of all sources and of package.json, which pins the versions of the bundled packages. */
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
  process.stderr.write('The sources of the portal have changed: building it ...\n')
  // Loaded only when needed: loading it takes far longer than the comparison.
  const { build } = await import('vite')
  await build(PORTAL_BUILD)
  writeFileSync(STAMP, wanted)
}

try {
  await buildPortal()
} catch (error) {
  // The platform works without its portal; the page at / says how to build it.
  const reason = error instanceof Error ? error.message : String(error)
  process.stderr.write(
    `The portal could not be built (${reason}); the platform starts without the new one.\n`,
  )
}
