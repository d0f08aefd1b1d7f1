import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

/** Readings in one message, and messages: a query of all of them takes a while. */
const ELEMENTS = 200
const MESSAGES = 50
const LARGE_QUERIES = 150
/** Queries of the other tenant that may be served before a small one: those that ran already. */
const MAX_BEFORE = 30

describe('queries of two tenants', () => {
  const dir = temporaryDir('query-fairness')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    await fill('acme', MESSAGES)
    await fill('beta', 1)
  })
  afterAll(async () => {
    await platform.kill()
    dir.remove()
  })

  async function fill(tenant: string, messages: number): Promise<void> {
    const device = await addDevice(platform, { tenant, id: 't1', kind: 'truck' })
    const client = await platform.mqtt(device)
    const from = Date.now() - 3_600_000
    for (let n = 0; n < messages; n += 1) {
      const elements = Array.from({ length: ELEMENTS }, (_, at) => {
        const seq = n * ELEMENTS + at
        return { v: 1, kind: 'truck', ts: from + seq * 100, seq, data: { speedKmh: seq % 90 } }
      })
      await client.publishAsync(device.topic, JSON.stringify(elements), { qos: 1 })
    }
    await client.endAsync()
    await waitFor(async () => {
      const { body } = await platform.api(`/delivery?device=${device.id}`)
      return body.data[0]?.stored === messages
    })
  }

  async function keyOf(tenant: string): Promise<string> {
    const { body } = await platform.api('/keys', {
      body: { role: 'tenant-viewer', tenant, name: 'one more' },
    })
    return body.key
  }

  it('are shared: a small one is not behind the large ones of another, and who leaves is forgotten', async () => {
    const [acme, beta] = [await keyOf('acme'), await keyOf('beta')]
    const left = new AbortController()
    const statuses: number[] = []
    const send = async (limit: number) => {
      const address = `http://127.0.0.1:${platform.ready.http}/api/v1/readings?kind=truck&limit=${limit}`
      const { signal } = left
      const response = await fetch(address, {
        headers: { authorization: `Bearer ${acme}` },
        signal,
      })
      await response.arrayBuffer()
      statuses.push(response.status)
    }
    const large = Array.from({ length: LARGE_QUERIES }, (_, n) => send(9000 + n))
    // The first results are there: all of them have arrived.
    await waitFor(() => statuses.includes(200))
    const before = statuses.filter((status) => status === 200).length
    const small = await platform.api('/readings?kind=truck&limit=10', { key: beta })
    const meanwhile = statuses.filter((status) => status === 200).length - before
    expect(small.status).toBe(200)
    expect(small.body.data).toHaveLength(10)
    expect(meanwhile).toBeLessThan(MAX_BEFORE)
    expect(statuses).toContain(429)

    // Whoever leaves does not keep his place.
    left.abort()
    await Promise.allSettled(large)
    await waitFor(async () => {
      const { body } = await platform.api('/metrics')
      return /^padborg_queries_running 0$/m.test(body) && /^padborg_queries_waiting 0$/m.test(body)
    })
  })
})
