import { afterEach, describe, expect, it } from 'vitest'
import { countAll, drainSessions } from '../integration/sources/mqtt/counts.ts'
import { HAS_MOSQUITTO } from '../integration/sources/mqtt/mosquitto.ts'
import { startPublishers } from '../integration/sources/mqtt/publishers.ts'
import { TwoIntakes } from '../integration/sources/mqtt/two-intakes.ts'
import { settledDelivery, storedSeqs } from '../support/fleet.ts'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { addDevice, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

/*
 * Two intakes as an operator starts them with PADBORG_MQTT_URL, sharing one subscription at a
 * Mosquitto and one registry. Between Mosquitto and each of them stands a proxy that counts what is
 * delivered and what is acknowledged; the devices count what Mosquitto acknowledged to them; the API
 * counts what is stored. One intake is killed under load and started again: whatever is missing
 * then lies between two of these counts, and so at one side or the other.
 */

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const DEVICES = Array.from({ length: 12 }, (_, n) => `acme.t${n}`)
const LONG = { timeoutMs: 90_000 }

describe.skipIf(!HAS_MOSQUITTO)('behind a foreign broker', () => {
  let two: TwoIntakes | null = null
  let influxd: TestServer | null = null

  afterEach(async () => {
    await two?.close()
    await influxd?.stop()
    two = null
    influxd = null
  })

  it(`two platforms neither lose nor duplicate acknowledged messages when one is killed (SEED=${SEED})`, async () => {
    two = await TwoIntakes.start({ roles: 'together', store: {} })
    await register(two)
    await loadAndKill(two)
  })

  it.skipIf(!hasInfluxd)(
    `nor do two intakes with one InfluxDB and an api role (SEED=${SEED})`,
    async () => {
      influxd = await startInfluxd()
      two = await TwoIntakes.start({ roles: 'apart', store: influxStore(influxd) })
      await register(two)
      await loadAndKill(two)
    },
  )

  it('messages of an unknown device are rejected, and a replay recovers them once it is registered', async () => {
    two = await TwoIntakes.start({ roles: 'together', store: {} })
    const { apis, mosquitto } = two
    const client = await mosquitto.client()
    const [ts, data] = [Date.now(), { speedKmh: 50 }]
    const payload = JSON.stringify({ v: 1, kind: 'truck', ts, seq: 1, data })
    await client.publishAsync('padborg/v1/acme/ghost/telemetry', payload, { qos: 1 })
    const { api, row } = await waitFor(async () => {
      for (const api of apis) {
        const row = (await api.api('/rejections')).body.data[0]
        if (row) return { api, row }
      }
      return null
    }, LONG)
    expect(row).toMatchObject({
      device: 'acme.ghost',
      topic: 'padborg/v1/acme/ghost/telemetry',
      reason: 'unknown_device',
      payloadBase64: Buffer.from(payload).toString('base64'),
    })
    await addDevice(firstOf(apis), { tenant: 'acme', id: 'ghost', kind: 'truck' })
    const replayed = await waitFor(async () => {
      const { body } = await api.api('/rejections/replay', { body: { ids: [row.id] } })
      return body.recovered === 1 && body
    }, LONG)
    expect(replayed).toEqual({ recovered: 1, again: 0, duplicate: 0 })
    expect(await storedSeqs(api, 'acme.ghost')).toEqual([1])
  })

  it('platforms shut down with 0, and messages published meanwhile wait in their sessions', async () => {
    two = await TwoIntakes.start({ roles: 'together', store: {} })
    const { apis, intakes, mosquitto } = two
    await register(two)
    const codes = await Promise.all(intakes.map((platform) => platform.stop()))
    expect(codes).toEqual([0, 0])
    const client = await mosquitto.client()
    for (let seq = 1; seq <= 10; seq += 1) {
      const data = { speedKmh: 50 }
      const text = JSON.stringify({ v: 1, kind: 'truck', ts: Date.now(), seq, data })
      await client.publishAsync('padborg/v1/acme/t0/telemetry', text, { qos: 1 })
    }
    for (const at of intakes.keys()) await two.start(at)
    await waitFor(async () => {
      const seqs = await Promise.all(apis.map((api) => storedSeqs(api, 'acme.t0')))
      return seqs.flat().length === 10
    }, LONG)
  })
})

async function register({ apis, intakes, mosquitto }: TwoIntakes): Promise<void> {
  for (const id of DEVICES) {
    await addDevice(firstOf(apis), {
      tenant: 'acme',
      id: id.slice('acme.'.length),
      kind: 'truck',
    })
  }
  for (const api of apis) {
    await waitFor(async () => (await api.api('/devices')).body.data.length === DEVICES.length, LONG)
    await waitFor(async () => (await api.api('/health/ready')).status === 200, LONG)
  }
  await waitFor(() => mosquitto.log().split('Sending SUBACK').length > intakes.length, LONG)
}

async function loadAndKill(two: TwoIntakes): Promise<void> {
  const { mosquitto, proxies, apis } = two
  const acknowledged = (at: number) => proxies[at]?.acknowledged.length ?? 0
  const options = { devices: DEVICES, window: 5, pauseMs: 20, seed: SEED }
  const publishers = await startPublishers(mosquitto, options)
  for (const victim of [0, 1, 0]) {
    const before = acknowledged(victim)
    await waitFor(() => acknowledged(victim) > before + 1000, LONG)
    await two.kill(victim)
    const other = acknowledged(1 - victim)
    await waitFor(() => acknowledged(1 - victim) > other + 300, LONG)
    await two.start(victim)
  }
  await publishers.stop()
  await drainSessions(publishers, proxies)
  for (const api of apis) {
    await waitFor(async () => (await api.api('/delivery')).status === 200, LONG)
    await settledDelivery(api, LONG.timeoutMs)
  }
  const rows: string[] = []
  for (const api of apis) {
    for (const id of DEVICES) {
      rows.push(...(await storedSeqs(api, id)).map((seq) => `${id} ${seq}`))
    }
  }
  const { line, faults, repeated } = countAll(publishers, proxies, rows)
  process.stderr.write(`two intakes behind Mosquitto: ${line}\n`)
  expect(faults).toEqual([])
  expect(repeated).toBeGreaterThan(0)
}

function firstOf(platforms: readonly Platform[]): Platform {
  const [platform] = platforms
  if (!platform) throw new Error('no platform was started')
  return platform
}

function influxStore({ url, username, password }: TestServer): Record<string, string> {
  return {
    PADBORG_STORE: 'influx:',
    INFLUX_URL: url,
    INFLUX_DATABASE: 'padborg',
    INFLUX_USERNAME: username,
    INFLUX_PASSWORD: password,
  }
}
