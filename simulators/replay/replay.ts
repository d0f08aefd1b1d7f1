import { setTimeout as pause } from 'node:timers/promises'
import { telemetryTopic } from '../actors/actor.ts'
import { createAcknowledgements } from '../load/acknowledgements.ts'
import { registerAll } from '../load/registered.ts'
import { reportOf, type LoadReport } from '../load/report.ts'
import type { SimulateDeps } from '../load/simulate.ts'
import { nativePayload } from '../messages/native.ts'
import { connectDevice, publish } from '../run/connection.ts'
import { deliveryOf, finalDelivery } from '../run/delivery.ts'
import { createWindow } from '../run/window.ts'
import { timetable, type Trace } from './read-trace.ts'

export interface ReplayOptions {
  readonly trace: Trace
  readonly mqttUrl: string
  readonly tenant: string
  readonly id: string
  readonly speed: number | null
  readonly keepTimes: boolean
  /** Deletes the device after the trace; its readings are kept. */
  readonly remove: boolean
}

const IN_FLIGHT = 200
const DRAIN_MS = 60_000

/** Publishes a recording through a device of its own. */
export async function replay(options: ReplayOptions, deps: SimulateDeps): Promise<LoadReport> {
  const { trace, tenant, id } = options
  const { kind, settings = {} } = trace.format
  const { print, api } = deps
  const device = { tenant, id, kind, settings }
  const registered = await registerAll(api, [device], print)
  const [signIn] = registered.signIns
  if (!signIn) throw new RangeError('one device was registered, none was returned')
  const name = `${tenant}.${id}`
  print(`Replaying ${trace.readings.length} readings of ${trace.format.name} as ${name}.`)
  try {
    const client = await connectDevice({
      url: options.mqttUrl,
      signIn,
      clientId: name,
      reconnectMs: 1000,
    })
    try {
      return await send(options, deps, (payload) =>
        publish(client, { topic: telemetryTopic(name), payload }),
      )
    } finally {
      await client.endAsync(true)
    }
  } finally {
    if (options.remove) await registered.remove()
    else print(`The device ${name} is kept, so that its readings can be inspected.`)
  }
}

async function send(
  { trace, tenant, id, speed, keepTimes }: ReplayOptions,
  { api, clock, signal }: SimulateDeps,
  put: (payload: string) => Promise<boolean>,
): Promise<LoadReport> {
  const ids = new Set([`${tenant}.${id}`])
  const before = await deliveryOf(api, ids)
  const acks = createAcknowledgements()
  const window = createWindow(IN_FLIGHT)
  const startNs = clock.monoNs()
  const startMs = Number(clock.nowNs() / 1_000_000n)
  const times = timetable(trace.readings, { speed, keepTimes, startMs })
  let maxLagMs = 0
  for (const [at, { data, radio }] of trace.readings.entries()) {
    const time = times[at]
    if (!time || signal.aborted) break
    const earlyMs = time.afterMs - Number(clock.monoNs() - startNs) / 1e6
    if (earlyMs > 1) await pause(earlyMs)
    else if (speed !== null) maxLagMs = Math.max(maxLagMs, -earlyMs)
    const heard = radio ? { radio } : {}
    const { kind } = trace.format
    const payload = nativePayload({ kind, atMs: time.tsMs, seq: at + 1, data, ...heard })
    await window.enter(async () => {
      const sentNs = clock.monoNs()
      acks.sent()
      if (await put(payload)) acks.acknowledged(clock.monoNs() - sentNs)
      else acks.failed()
    })
  }
  await window.empty()
  const after = await finalDelivery(api, ids, { clock, deadlineMs: DRAIN_MS })
  return reportOf({ acks, before, after, maxLagMs })
}
