import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { countAll, drainSessions } from './counts.ts'
import { startCountingProxy, type CountingProxy } from './counting-proxy.ts'
import { ChildIntake } from '../child-intake.ts'
import type { MqttProcessOptions, MqttProcessStatus } from './mqtt-process.ts'
import { HAS_MOSQUITTO, PASSWORD, USER, Mosquitto } from './mosquitto.ts'
import { startPublishers } from './publishers.ts'

/*
 * Two intakes in processes of their own share one subscription at a Mosquitto, each behind a proxy
 * that counts what the broker delivers and what the intake acknowledges. One is killed under load and
 * started again. What was acknowledged must be in the stores, everything at most once; what Mosquitto
 * itself loses (published and acknowledged by it, never delivered) shows between its two counts.
 */

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const DEVICES = Array.from({ length: 12 }, (_, n) => `acme.t${n}`)
const LONG = { timeoutMs: 60_000 }
const MOSQUITTO = ['max_inflight_messages 1000', 'max_queued_messages 0', 'set_tcp_nodelay true']

describe.skipIf(!HAS_MOSQUITTO)('two intakes behind one Mosquitto', () => {
  let mosquitto: Mosquitto
  const proxies: CountingProxy[] = []
  const intakes: ChildIntake[] = []
  const dirs = [temporaryDir('intake-a'), temporaryDir('intake-b')]

  beforeEach(async () => {
    mosquitto = await Mosquitto.start(MOSQUITTO)
    for (const at of dirs.keys()) {
      proxies[at] = await startCountingProxy(mosquitto.port)
      await startOne(at)
    }
  })

  afterEach(async () => {
    for (const intake of intakes) await intake.kill()
    for (const proxy of proxies) await proxy.close()
    await mosquitto.remove()
    for (const dir of dirs) dir.remove()
  })

  it(`store once what they acknowledged when one is killed (SEED=${SEED})`, async () => {
    const options = { devices: DEVICES, window: 5, pauseMs: 20, seed: SEED }
    const publishers = await startPublishers(mosquitto, options)
    for (const victim of [0, 1, 0]) {
      const before = proxies[victim]?.acknowledged.length ?? 0
      await waitFor(() => (proxies[victim]?.acknowledged.length ?? 0) > before + 1000)
      await intakes[victim]?.kill()
      const other = proxies[1 - victim]?.acknowledged.length ?? 0
      await waitFor(() => (proxies[1 - victim]?.acknowledged.length ?? 0) > other + 300)
      await startOne(victim)
    }
    await publishers.stop()
    await drainSessions(publishers, proxies)
    await waitFor(async () => {
      const statuses = await Promise.all(intakes.map(statusOf))
      return statuses.every(({ inFlight, lagMessages }) => inFlight === 0 && lagMessages === 0)
    }, LONG)
    const rows = (
      await Promise.all(intakes.map((intake) => intake.request<readonly string[]>('stored')))
    ).flat()
    const { line, faults, repeated } = countAll(publishers, proxies, rows)
    process.stderr.write(`two intakes behind Mosquitto: ${line}\n`)
    expect(faults).toEqual([])
    expect(repeated).toBeGreaterThan(0)
  }, 180_000)

  function statusOf(intake: ChildIntake): Promise<MqttProcessStatus> {
    return intake.request('status')
  }

  async function startOne(at: number): Promise<void> {
    const { port = 0 } = proxies[at] ?? {}
    const url = `mqtt://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`
    const dataDir = dirs[at]?.path ?? ''
    // So long that an acknowledgement before the commit would be lost with the process.
    const windowMs = 50
    const options: MqttProcessOptions = {
      dataDir,
      url,
      share: 'intakes',
      devices: DEVICES,
      windowMs,
    }
    const intake = await ChildIntake.start('mqtt/mqtt-process', options)
    intakes[at] = intake
    await waitFor(async () => (await statusOf(intake)).filters > 0)
  }
})
