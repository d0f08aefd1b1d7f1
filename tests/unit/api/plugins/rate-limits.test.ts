import { afterEach, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../test-app.ts'

const MANY = 1_000_000
const LIMITS = {
  requestsPerAddress: MANY,
  requestsPerKey: MANY,
  wrongKeysPerAddress: MANY,
  windowMs: 3_600_000,
}
const WRONG = 'pbk_a-wrong-key-0123456789'

describe('rate limits', () => {
  let test: TestApp

  afterEach(() => test.close())

  const start = async (limits: Partial<typeof LIMITS>) => {
    test = await createTestApp({}, { rateLimits: { ...LIMITS, ...limits } })
  }
  const status = async (url: string, key: string | null, remoteAddress = '192.0.2.1') => {
    const headers = key === null ? {} : { authorization: `Bearer ${key}` }
    return (await test.app.inject({ url, headers, remoteAddress })).statusCode
  }
  const twice = async (send: () => Promise<number>) => [await send(), await send()]

  it('refuse wrong keys with 429 and Retry-After as a problem, and leave valid keys alone', async () => {
    await start({ wrongKeysPerAddress: 1 })
    const send = () => test.request('/devices', { key: WRONG })
    expect((await send()).status).toBe(401)
    const limited = await send()
    expect(limited.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0)
    expect(limited.body).toMatchObject({ status: 429, type: 'about:blank' })
    expect(limited.body.detail).toMatch(/^expected at most 1 wrong keys of one address in 3600 s/)
    expect((await test.request('/devices')).status).toBe(200)
  })

  it('count wrong keys of the sign-in as well, and no request without a key', async () => {
    await start({ wrongKeysPerAddress: 1 })
    const signIn = () => test.request('/session', { key: null, body: { key: WRONG } })
    expect((await signIn()).status).toBe(401)
    expect((await signIn()).status).toBe(429)
    expect(await twice(() => status('/api/v1/devices', null))).toEqual([401, 401])
  })

  it('count an address, an IPv6 one by its /64', async () => {
    await start({ requestsPerAddress: 1 })
    expect(await status('/metrics', null, '2001:db8:0:1::1')).toBe(200)
    expect(await status('/metrics', null, '2001:db8:0:1:ffff::2')).toBe(429)
    expect(await status('/metrics', null, '2001:db8:0:2::1')).toBe(200)
    expect(await twice(() => status('/nowhere', null, '192.0.2.7'))).toEqual([404, 429])
  })

  it('count a key over all addresses', async () => {
    await start({ requestsPerKey: 1 })
    let host = 0
    const send = () => status('/api/v1/devices', test.keys.admin, `192.0.2.${(host += 1)}`)
    expect(await twice(send)).toEqual([200, 429])
    expect(await status('/api/v1/devices', test.keys['tenant-viewer'])).toBe(200)
  })

  it('never apply to health and live streams', async () => {
    await start({ requestsPerAddress: 1, requestsPerKey: 1 })
    expect(await twice(() => status('/health/live', null))).toEqual([200, 200])
    expect(await twice(() => status('/health/ready', null))).toEqual([200, 200])
    expect(await twice(() => status('/api/v1/live', test.keys.admin))).toEqual([200, 200])
  })
})
