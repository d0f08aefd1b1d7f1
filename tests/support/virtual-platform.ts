import { join } from 'node:path'
import { startPlatform, type Platform, type StartOptions } from './platform.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { waitFor } from './wait-for.ts'

const ROOT = new URL('../..', import.meta.url).pathname

export interface VirtualStart extends Pick<StartOptions, 'dataDir' | 'env'> {
  readonly clock: VirtualClock
  /** Of the version that is started; this one where it is left out. */
  readonly checkout?: string
}

/** A platform in a process of its own, at the time of day that the clock says. */
export async function startVirtualPlatform(options: VirtualStart): Promise<Platform> {
  const { dataDir, env, clock, checkout = ROOT } = options
  return await startPlatform({
    dataDir,
    // Live streams tell soon that they are at the end.
    env: { PADBORG_LIVE_HEARTBEAT_SECONDS: '0.2', ...clock.env, ...env },
    command: [...clock.flags, join(checkout, 'main.ts')],
  })
}

/** Waits until every accepted message is stored, rejected or known as a duplicate. */
export async function allStored({ api }: Platform): Promise<void> {
  await waitFor(
    async () => {
      const { status, body } = await api('/delivery?limit=10000')
      if (status !== 200) throw new Error(`delivery: ${status} ${JSON.stringify(body)}`)
      return body.data.every((row: { pending: number }) => row.pending === 0)
    },
    { timeoutMs: 60_000, what: 'every message to be stored' },
  )
}
