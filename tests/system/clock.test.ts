import type { MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { settledDelivery } from '../support/fleet.ts'
import {
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'

/** The device clock of the test is ahead by this much. */
const AHEAD_MS = 46_280

describe('the clock of a device', () => {
  const dir = temporaryDir('clock')
  let platform: Platform

  afterEach(async () => {
    await platform.kill()
    dir.remove()
  })

  it('is found within its bound by clock/request, and only then is there an uplink', async () => {
    platform = await startPlatform({ dataDir: dir.path })
    const known = await addDevice(platform, { tenant: 'acme', id: 'known', kind: 'truck' })
    const unknown = await addDevice(platform, { tenant: 'acme', id: 'unknown', kind: 'truck' })
    const [one, other] = [await connect(known), await connect(unknown)]
    await exchange(one, 'padborg/v1/acme/known/clock')
    for (let seq = 1; seq <= 20; seq += 1) {
      for (const [client, { topic }] of [
        [one, known],
        [other, unknown],
      ] as const) {
        const message = { v: 1, kind: 'truck', ts: deviceMs(), seq, data: { speedKmh: 50 } }
        await client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
      }
    }
    await settledDelivery(platform)
    const { body } = await platform.api(
      `/kpi/latency?by=device&from=${iso(-600_000)}&to=${iso(600_000)}`,
    )
    const row = (device: string, stage: string) =>
      body.data.find(
        (each: { group: { device?: string }; stage: string }) =>
          each.group.device === device && each.stage === stage,
      )
    expect(row(known.id, 'age')).toMatchObject({ n: 20, negative: 20 })
    expect(row(unknown.id, 'age')).toMatchObject({ n: 20, negative: 20 })
    const uplink = row(known.id, 'uplink')
    expect(uplink.n).toBe(20)
    expect(uplink.clockBoundMs).toBeGreaterThan(0)
    expect(uplink.clockBoundMs).toBeLessThan(1000)
    expect(Math.abs(uplink.p50Ms)).toBeLessThan(1000 + uplink.clockBoundMs)
    expect(row(unknown.id, 'uplink')?.p50Ms ?? null).toBeNull()
    await Promise.all([one.endAsync(), other.endAsync()])
  })

  async function connect({ username, password }: TestDevice): Promise<MqttClient> {
    return await platform.mqtt({ username, password })
  }
})

function deviceMs(): number {
  return Date.now() + AHEAD_MS
}

function iso(fromNowMs: number): string {
  return new Date(Date.now() + fromNowMs).toISOString()
}

/** Two exchanges: the second one hands over when the answer to the first arrived. */
async function exchange(client: MqttClient, topic: string): Promise<void> {
  await client.subscribeAsync(`${topic}/response`)
  const ask = async (request: object) => {
    const answered = new Promise<{ id: number; t4: number }>((resolve) => {
      client.once('message', (_topic, payload) => {
        const { id } = JSON.parse(payload.toString())
        resolve({ id, t4: deviceMs() })
      })
    })
    await client.publishAsync(`${topic}/request`, JSON.stringify(request))
    return await answered
  }
  const prev = await ask({ id: 1, t1: deviceMs() })
  await ask({ id: 2, t1: deviceMs(), prev })
}
