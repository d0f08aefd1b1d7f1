import { expect, it } from 'vitest'
import { addDevice, deliveryOf, startPlatform, temporaryDir } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

it('a newline that a device sends in a text is stored, listed and shown in its visible form', async () => {
  const dir = temporaryDir('visible-texts')
  const platform = await startPlatform({ dataDir: dir.path })
  const truck = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
  const { username, password } = truck
  const client = await platform.mqtt({ username, password })
  const radio = { operator: '238\n01', rsrpDbm: -85 }
  const payload = { v: 1, kind: 'truck', ts: Date.now(), seq: 1, data: { speedKmh: 5 }, radio }
  await client.publishAsync(truck.topic, JSON.stringify(payload), { qos: 1 })
  await client.endAsync()
  await waitFor(async () => (await deliveryOf(platform, truck.id))?.stored === 1)
  const shown = { operator: String.raw`238\u000a01`, rsrpDbm: -85 }
  for (const path of ['readings', 'last-values']) {
    const { body } = await platform.api(`/${path}?kind=truck&device=${truck.id}`)
    expect(body.data).toMatchObject([{ radio: shown }])
  }
  await platform.kill()
  dir.remove()
})
