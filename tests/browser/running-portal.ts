import type { Browser } from 'playwright-core'
import { buildPortal } from '../support/build-portal.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { openBrowser } from './browser.ts'
import { createTestbed, type Testbed } from './testbed.ts'

/** A platform with the built portal, devices that publish to it, and a browser. */
export interface RunningPortal {
  readonly url: string
  readonly browser: Browser
  readonly testbed: Testbed
  readonly platform: Platform
  /** Ends platform and devices without a shutdown. */
  kill(): Promise<void>
  /** Starts both again, at the same address. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startPortal(name: string): Promise<RunningPortal> {
  buildPortal()
  const folder = temporaryDir(name)
  let platform = await startPlatform({ dataDir: folder.path })
  const { http } = platform.ready
  const testbed = await createTestbed(platform)
  let devices = await testbed.run(platform)
  const browser = await openBrowser()
  return {
    url: `http://127.0.0.1:${http}`,
    browser,
    testbed,
    get platform() {
      return platform
    },
    async kill() {
      await platform.kill()
      await devices.stop()
    },
    async restart() {
      const env = { PADBORG_HTTP_PORT: String(http) }
      platform = await startPlatform({ dataDir: folder.path, env })
      devices = await testbed.run(platform)
    },
    async close() {
      await devices.stop()
      await browser.close()
      await platform.stop()
      folder.remove()
    },
  }
}
