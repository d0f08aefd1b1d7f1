import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { ChildIntake } from '../child-intake.ts'
import type { StoredTrucks } from '../test-ingest.ts'
import type { TeltonikaProcessOptions } from './teltonika-process.ts'
import { connectTracker, loginOf, packetOf } from './tracker.ts'

/*
 * Trackers as they are: each sends a packet, waits for its acknowledgement, and sends the same one again
 * after a broken connection. Their intake is a process of its own that is killed under load and started
 * again. What was acknowledged must be in the store, and everything once.
 */

const DEVICES = Array.from({ length: 8 }, (_, n) => [`acme.t${n}`, `35630704244101${n}`] as const)
/** So long that an acknowledgement before the commit would be lost with the process. */
const WINDOW_MS = 50
const KILLS = 3
const T0 = Math.floor(Date.now() / 1000) * 1000 - 1_800_000

describe('trackers of an intake that is killed', () => {
  let dir: ReturnType<typeof temporaryDir>
  let child: ChildIntake | null = null
  let port = 0

  beforeEach(async () => {
    dir = temporaryDir('teltonika-kill')
    await start()
  })
  afterEach(async () => {
    await child?.kill()
    dir.remove()
  })

  async function start(): Promise<void> {
    const options: TeltonikaProcessOptions = {
      dataDir: dir.path,
      port,
      devices: DEVICES,
      windowMs: WINDOW_MS,
    }
    child = await ChildIntake.start('teltonika/teltonika-process', options)
    port = Number(child.first)
  }

  it('keeps what it acknowledged, and everything once', async () => {
    const [sent, acknowledged] = [new Set<string>(), new Set<string>()]
    let isStopping = false
    let resent = 0

    async function drive([device, imei]: readonly [string, string]): Promise<void> {
      for (let at = 0; !isStopping; at += 3) {
        const times = [at, at + 1, at + 2].map((second) => T0 + second * 100)
        for (const ms of times) sent.add(`${device} ${ms}`)
        while (!(await deliver(imei, packetOf(...times)))) resent += 1
        for (const ms of times) acknowledged.add(`${device} ${ms}`)
      }
    }

    const lines = new Map<string, Awaited<ReturnType<typeof connectTracker>>>()
    const answers = new Map<string, number>()

    /** False: it has to be sent again. */
    async function deliver(imei: string, packet: Buffer): Promise<boolean> {
      let line = lines.get(imei)
      if (!line || line.isClosed) {
        line = await waitFor(() => connectTracker(port).catch(() => null), { timeoutMs: 30_000 })
        lines.set(imei, line)
        line.send(loginOf(imei))
        answers.set(imei, 1)
      }
      const expected = (answers.get(imei) ?? 0) + 4
      answers.set(imei, expected)
      line.send(packet)
      const { length } = await line.bytes(expected)
      return length === expected
    }

    const driving = DEVICES.map(drive)
    for (let kills = 0; kills < KILLS; kills += 1) {
      const before = acknowledged.size
      await waitFor(() => acknowledged.size > before + 300, { timeoutMs: 30_000 })
      await child?.kill()
      await start()
    }
    isStopping = true
    await Promise.all(driving)
    for (const line of lines.values()) line.end()
    const { rows } = await waitFor(
      async () => {
        const stored = await child?.request<StoredTrucks>('stored')
        return stored?.lagMessages === 0 && stored.rows.length >= sent.size ? stored : null
      },
      { timeoutMs: 60_000, what: `the store with ${sent.size} records` },
    )
    process.stderr.write(
      `trackers: ${acknowledged.size} records acknowledged, ${rows.length} stored, ` +
        `${resent} packets sent again after ${KILLS} kills\n`,
    )
    const stored = new Set(rows)
    expect([...acknowledged].filter((key) => !stored.has(key))).toEqual([])
    expect(rows.filter((key) => !sent.has(key))).toEqual([])
    expect(rows).toHaveLength(stored.size)
    expect(resent).toBeGreaterThan(0)
  }, 240_000)
})
