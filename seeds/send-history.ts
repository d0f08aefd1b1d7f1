import { RefusedError } from '#lib/runtime/command.ts'
import { type Api } from '../simulators/run/api.ts'
import { connectDevice, publish } from '../simulators/run/connection.ts'
import { applicationOf } from '../simulators/run/registrar.ts'
import { createWindow } from '../simulators/run/window.ts'
import { heatHistory } from './history/heat.ts'
import { probeHistory, robotHistory, truckHistory } from './history/fleet.ts'
import type { HistoryOptions, Line } from './history/line.ts'
import { HEAT_TENANT } from './testbed/heat.ts'
import { PROBE_TENANT } from './testbed/probes.ts'
import { ROBOT_TENANT } from './testbed/robots.ts'
import { TENANTS } from './testbed/tenants.ts'

export interface SendOptions {
  readonly mqttUrl: string
  readonly history: HistoryOptions
  /** Device time up to which the platform has a device already; lines until then are left out. */
  readonly knownUntilMs: (device: string) => number
}

/** Unacknowledged messages per tenant: many, because each waits for the disk. */
const IN_FLIGHT = 400

/** Sends what is missing of the history, all tenants at once. Returns the number of messages. */
export async function sendHistory(api: Api, options: SendOptions): Promise<number> {
  const counts = await Promise.all(TENANTS.map(({ id }) => sendFor(id, api, options)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The history of a tenant's devices; the lines of one device are in order of time. */
export function historyOf(tenant: string, options: HistoryOptions): Iterable<Line> {
  if (tenant === HEAT_TENANT) return heatHistory(options)
  if (tenant === ROBOT_TENANT) return robotHistory(options)
  if (tenant === PROBE_TENANT) return probeHistory(options)
  return truckHistory(options, tenant)
}

async function sendFor(tenant: string, api: Api, options: SendOptions): Promise<number> {
  const { mqttUrl, history, knownUntilMs } = options
  const missing = missingOf(historyOf(tenant, history), knownUntilMs)
  const first = missing.next()
  // Without a message no account is needed.
  if (first.done) return 0
  const account = await applicationOf(api, tenant, 'history of the testbed')
  try {
    const clientId = `history-${tenant}`
    const client = await connectDevice({ url: mqttUrl, signIn: account, clientId, reconnectMs: 0 })
    const window = createWindow(IN_FLIGHT)
    let sent = 0
    const send = async (line: Line) => {
      if (!(await publish(client, line))) {
        throw new RefusedError(`${mqttUrl}: the connection of ${tenant} was lost; seed again`)
      }
      sent += 1
    }
    try {
      await window.enter(() => send(first.value))
      for (const line of missing) await window.enter(() => send(line))
      await window.empty()
    } finally {
      await client.endAsync(true)
    }
    return sent
  } finally {
    await account.revoke()
  }
}

function* missingOf(lines: Iterable<Line>, knownUntilMs: SendOptions['knownUntilMs']) {
  for (const line of lines) if (line.atMs > knownUntilMs(line.device)) yield line
}
