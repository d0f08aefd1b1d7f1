import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { nsToMs, type Clock } from '#lib/runtime/clock.ts'
import type { Target } from '../simulators/options.ts'
import { createApi, type Api } from '../simulators/run/api.ts'
import { lastKnown } from './last-values.ts'
import { registerTestbed } from './register.ts'
import { sendHistory } from './send-history.ts'

export interface SeedOptions {
  readonly target: Target
  readonly seed: number
  /** Also sends what the platform has already: it then counts as duplicate. */
  readonly again: boolean
}

export interface SeedDeps {
  readonly clock: Clock
  readonly print: (line: string) => void
}

/** The last line of a history is never further from its end: robots and probes send rarely. */
const LAST_LINE_MS = 300_000

/** Puts the testbed into a running platform. A second time it adds nothing. */
export async function seedTestbed(options: SeedOptions, { clock, print }: SeedDeps): Promise<void> {
  const { target, seed, again } = options
  const startNs = clock.monoNs()
  const api = createApi({ url: target.apiUrl, key: target.key })
  const { created, endMs } = await registerTestbed(api, Math.floor(nsToMs(clock.nowNs())))
  print(
    created > 0
      ? `Registered ${created} tenants, sites and devices.`
      : 'Everything is registered already.',
  )
  const known = await lastKnown(api)
  const knownUntilMs = (device: string) =>
    again ? -Infinity : (known.get(device)?.atMs ?? -Infinity)
  const isKnown = (device: string) => knownUntilMs(device) > endMs - LAST_LINE_MS
  const history = { seed, endMs, isKnown }
  const sent = await sendHistory(api, { mqttUrl: target.mqttUrl, history, knownUntilMs })
  if (sent > 0) await untilStored(api)
  const seconds = nsToMs(clock.monoNs() - startNs) / 1000
  print(`Sent ${sent} messages of history in ${seconds.toFixed(1)} s.`)
}

const pendingSchema = z.object({ device: z.string(), pending: z.number() })

/** Waits until the intake has stored everything. */
async function untilStored(api: Api): Promise<void> {
  while ((await api.list('/delivery', pendingSchema)).some(({ pending }) => pending > 0)) {
    await pause(200)
  }
}
