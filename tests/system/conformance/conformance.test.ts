import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'

interface Found {
  readonly findings: readonly { code: string; severity: string; path: string; advice: string }[]
  // Tests say what they expect of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly facts: any
}

const TELTONIKA = { state: { reported: { ts: Date.now(), latlng: '54.79,9.44', sp: 7 } } }

describe('the conformance of a device on a running platform', () => {
  const folder = temporaryDir('conformance')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: folder.path })
  })
  afterAll(async () => {
    await platform?.stop()
    folder.remove()
  })

  async function conformance(device: string): Promise<Found> {
    const { status, body } = await platform.api(`/devices/${device}/conformance`)
    expect(status).toBe(200)
    return body
  }

  /** Publishes, and waits until every message of the device is dealt with. */
  async function send(device: TestDevice, payloads: readonly object[], qos: 0 | 1 = 1) {
    const { username, password, topic } = device
    const client = await platform.mqtt({ username, password })
    for (const one of payloads) await client.publishAsync(topic, JSON.stringify(one), { qos })
    await client.endAsync()
    return await waitFor(
      async () => {
        const found = await conformance(device.id)
        return found.facts.read >= payloads.length && found
      },
      { what: 'the messages are dealt with', timeoutMs: 30_000 },
    )
  }

  const truckAt = (seq: number, data: object) => ({
    v: 1,
    kind: 'truck',
    ts: Date.now() - 60_000 + 1000 * seq,
    seq,
    data,
  })

  it('goes from silent to healthy with the first message', async () => {
    const device = await addDevice(platform, { tenant: 'acme', id: 'fresh', kind: 'truck' })
    const before = await conformance(device.id)
    expect(before.findings.map(({ code }) => code)).toEqual(['silent'])
    const { findings, facts } = await send(device, [truckAt(1, { speedKmh: 50 })])
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(facts).toMatchObject({ stored: 1, lastFormat: 'native', rate: { messages: 1 } })
  })

  it('recognises a tracker that was registered as native', async () => {
    const device = await addDevice(platform, { tenant: 'acme', id: 'tracker', kind: 'truck' })
    const { findings } = await send(device, [TELTONIKA])
    expect(findings.map(({ code }) => code)).toContain('format_other')
    expect(findings.find(({ code }) => code === 'format_other')?.advice).toContain('teltonika')
  })

  it('suggests no other format, and no numbers, for a native reading that is too old', async () => {
    const device = await addDevice(platform, { tenant: 'acme', id: 'old', kind: 'truck' })
    const old = { ...truckAt(1, { speedKmh: 7 }), ts: Date.now() - 100 * 86_400_000 }
    const { findings } = await send(device, [old])
    const codes = findings.map(({ code }) => code)
    expect(codes).toContain('too_old')
    expect(codes).not.toContain('format_other')
    expect(codes).not.toContain('sequence_none')
  })

  it('names fields that a truck does not have, and stores the others', async () => {
    const device = await addDevice(platform, { tenant: 'acme', id: 'names', kind: 'truck' })
    const payloads = [1, 2].map((seq) => ({
      ...truckAt(seq, { speedKmh: 50, latitude: 54.8 }),
      radio: { rat: 'lte', rsrp: -80 },
    }))
    const { findings, facts } = await send(device, payloads)
    expect(facts).toMatchObject({
      stored: 2,
      unknownFields: { 'data.latitude': 2, 'radio.rsrp': 2 },
    })
    const unknown = findings.filter(({ code }) => code === 'unknown_field')
    expect(unknown.map(({ path }) => path)).toEqual(['data.latitude', 'radio.rsrp'])
    expect(unknown.map(({ advice }) => advice)).toEqual([
      'its values are not stored: call it lat',
      'its values are not stored: call it rsrpDbm',
    ])
  })

  it('recognises knots in the stored readings, and finds the same after a restart', async () => {
    const device = await addDevice(platform, { tenant: 'acme', id: 'knots', kind: 'truck' })
    const drive = Array.from({ length: 55 }, (_, second) =>
      truckAt(second < 30 ? second : second + 3, {
        lat: 54.8 + (22 * second) / 111_195,
        lon: 9.3,
        speedKmh: (22 * 3.6) / 1.852,
      }),
    )
    const timed = drive.map((one, at) => ({ ...one, ts: Date.now() - 60_000 + 1000 * at }))
    const before = await send(device, timed, 0)
    const codes = before.findings.map(({ code }) => code)
    expect(codes).toEqual(expect.arrayContaining(['speed_unit', 'qos0', 'sequence_gaps']))
    await platform.stop()
    platform = await startPlatform({ dataDir: folder.path })
    const { findings, facts } = await conformance(device.id)
    expect(findings.map(({ code }) => code)).toEqual(codes)
    expect(facts.transport).toEqual(before.facts.transport)
  })
})
