import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { RfmsProcessOptions } from './rfms-process.ts'
import { answerOf } from './teltonika-child.ts'
import { startRfmsServer, type TestServer } from './rfms-server.ts'

/*
 * The intake that asks a server is a process of its own, killed three times while the server gets new
 * statuses all the time. In the end each of them is in the store once: no cursor went ahead of the
 * journal, and what was handed over again was no new reading.
 */

const PROGRAM = fileURLToPath(new URL('./rfms-process.ts', import.meta.url))
const DEVICES = ['1', '2', '3'].map((n) => [`t${n}`, `YV2RT40A0JB00000${n}`] as const)
const KILLS = 3

let dir: ReturnType<typeof temporaryDir>
let server: TestServer
let child: ChildProcess | null = null
let traffic: NodeJS.Timeout
let serial = 0

beforeEach(async () => {
  dir = temporaryDir('rfms-kill')
  server = await startRfmsServer({ pageSize: 40 })
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
  await kill()
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
  child = fork(PROGRAM, [JSON.stringify(options)], { execArgv: [] })
  await answerOf(child)
}

async function kill(): Promise<void> {
  const isAlive = child?.exitCode === null && child.signalCode === null
  const exited = isAlive && child ? once(child, 'exit') : null
  child?.kill('SIGKILL')
  await exited
  child = null
}

async function stored(): Promise<readonly string[]> {
  if (!child) throw new Error('there is no intake to ask')
  const said = answerOf(child)
  child.send('stored')
  const answer = await said
  // The program answers with exactly this.
  return (answer as { readonly rows: readonly string[] }).rows
}

it('has each status of an rFMS server once in the store after three kills', async () => {
  for (let kills = 0; kills < KILLS; kills += 1) {
    const before = server.asked.length
    await waitFor(() => server.asked.length > before + 12, { timeoutMs: 30_000 })
    await kill()
    await start()
  }
  clearInterval(traffic)
  const ids = new Map<string, string>(DEVICES.map(([id, vin]) => [vin, `acme.${id}`]))
  const served = server.statuses.map(({ vin, createdMs }) => `${ids.get(vin)} ${createdMs}`)
  const rows = await waitFor(
    async () => {
      const found = await stored()
      return found.length >= served.length ? found : null
    },
    { timeoutMs: 60_000, what: `a store with ${served.length} statuses` },
  )
  process.stderr.write(`rFMS: ${served.length} statuses, ${server.asked.length} questions\n`)
  expect(rows.toSorted()).toEqual(served.toSorted())
}, 240_000)
