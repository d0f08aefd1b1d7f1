import { afterEach, beforeEach, expect, it } from 'vitest'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { ChildIntake } from '../child-intake.ts'
import type { RfmsProcessOptions } from './rfms-process.ts'
import { RfmsTestServer } from './rfms-server.ts'
import type { StoredTrucks } from '../test-ingest.ts'

/*
 * The intake that polls a server is a process of its own, killed three times while the server receives new
 * statuses all the time. In the end each of them is in the store once: no cursor went ahead of the
 * journal, and what was handed over again was a duplicate.
 */

const DEVICES = ['1', '2', '3'].map((n) => [`acme.t${n}`, `YV2RT40A0JB00000${n}`] as const)
const KILLS = 3

let dir: ReturnType<typeof temporaryDir>
let server: RfmsTestServer
let child: ChildIntake | null = null
let traffic: NodeJS.Timeout
let serial = 0

beforeEach(async () => {
  dir = temporaryDir('rfms-kill')
  server = await RfmsTestServer.start({ pageSize: 40 })
  traffic = setInterval(() => {
    const nowMs = Date.now()
    for (const [, vin] of DEVICES) {
      serial += 1
      server.statuses.push({ vin, receivedMs: nowMs, createdMs: nowMs - 60_000 + serial })
    }
  }, 90)
  await start()
})

afterEach(async () => {
  clearInterval(traffic)
  await child?.kill()
  await server.close()
  dir.remove()
})

async function start(): Promise<void> {
  const { url, manner } = server
  const options: RfmsProcessOptions = {
    dataDir: dir.path,
    devices: DEVICES,
    server: {
      name: 'volvo',
      tenant: 'acme',
      url,
      version: '4.0',
      user: manner.user,
      password: manner.password,
      everySeconds: 0.05,
      firstHours: 1,
      unregistered: 'reject',
    },
  }
  child = await ChildIntake.start('rfms/rfms-process', options)
}

async function stored(): Promise<readonly string[]> {
  const { rows = [] } = (await child?.request<StoredTrucks>('stored')) ?? {}
  return rows
}

it('stores each status of an rFMS server once over three kills', async () => {
  for (let kills = 0; kills < KILLS; kills += 1) {
    const before = server.queries.length
    await waitFor(() => server.queries.length > before + 12, { timeoutMs: 30_000 })
    await child?.kill()
    await start()
  }
  clearInterval(traffic)
  const ids = new Map<string, string>(DEVICES.map(([id, vin]) => [vin, id]))
  const served = server.statuses.map(({ vin, createdMs }) => `${ids.get(vin)} ${createdMs}`)
  const rows = await waitFor(
    async () => {
      const found = await stored()
      return found.length >= served.length ? found : null
    },
    { timeoutMs: 60_000, what: `a store with ${served.length} statuses` },
  )
  process.stderr.write(`rFMS: ${served.length} statuses, ${server.queries.length} requests\n`)
  expect(rows.toSorted()).toEqual(served.toSorted())
}, 240_000)
