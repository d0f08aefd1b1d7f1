import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LOCAL_TOKEN, createTestApp, type TestApp } from '../test-app.ts'

const HOUR_NS = 3_600_000_000_000n
const ORIGIN = 'http://localhost'

describe('a session', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp({}, { maxSessions: 5, maxSessionsPerKey: 2 })
  })
  afterEach(() => test.close())

  async function signIn(key = test.keys['tenant-operator'], headers = {}) {
    const response = await test.request('/session', { key: null, body: { key }, headers })
    const cookie = String(response.headers['set-cookie'])
    return { ...response, cookie, pair: cookie.split(';')[0] ?? '' }
  }
  const withCookie = (pair: string, headers = {}) => ({
    key: null,
    headers: { cookie: pair, ...headers },
  })

  it('is a random id in an HttpOnly, SameSite=Strict cookie that does not hold the key', async () => {
    const { status, cookie, body } = await signIn()
    expect(status).toBe(201)
    expect(cookie).toMatch(/; HttpOnly/)
    expect(cookie).toMatch(/; SameSite=Strict/)
    expect(cookie).toMatch(/; Path=\//)
    expect(cookie).not.toContain(test.keys['tenant-operator'])
    expect(cookie).not.toContain('Secure')
    expect(body).toMatchObject({ role: 'tenant-operator', tenant: 'acme' })
    const other = await signIn()
    expect(other.pair).not.toBe(cookie.split(';')[0])
  })

  it('is Secure where the page came over TLS', async () => {
    const headers = { origin: 'https://telemetry.example', host: 'telemetry.example' }
    expect((await signIn(undefined, headers)).cookie).toMatch(/; Secure/)
  })

  it('grants the permissions of its key, until it is ended', async () => {
    const { pair } = await signIn()
    const devices = await test.request('/devices', withCookie(pair))
    expect(devices.body.data).toHaveLength(2)
    expect((await test.request('/session', withCookie(pair))).body.endsAt).toBe(
      '2026-11-25T00:00:00.000Z',
    )
    const end = await test.request('/session', { method: 'DELETE', ...withCookie(pair) })
    expect(end.status).toBe(204)
    expect(end.headers['set-cookie']).toMatch(/Max-Age=0/)
    expect((await test.request('/devices', withCookie(pair))).status).toBe(401)
  })

  it('ends with its time', async () => {
    const { pair } = await signIn()
    test.clock.nowNs += 12n * HOUR_NS - 1n
    expect((await test.request('/session', withCookie(pair))).status).toBe(200)
    test.clock.nowNs += 1n
    expect((await test.request('/session', withCookie(pair))).status).toBe(401)
  })

  it('ends when its key is deleted, and others go on', async () => {
    const { pair } = await signIn()
    const { pair: viewer } = await signIn(test.keys['tenant-viewer'])
    const key = test.registry.keys.list().find(({ role }) => role === 'tenant-operator')
    expect((await test.request(`/keys/${key?.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await test.request('/devices', withCookie(pair))).status).toBe(401)
    expect((await test.request('/devices', withCookie(viewer))).status).toBe(200)
  })

  it('pushes only older ones out: of the same key first, of others at the limit', async () => {
    const operator = [await signIn(), await signIn(), await signIn()]
    const statuses = []
    for (const { pair } of operator) {
      statuses.push((await test.request('/session', withCookie(pair))).status)
    }
    expect(statuses).toEqual([401, 200, 200])
    for (const role of ['admin', 'engineer', 'secretariat', 'application'] as const) {
      expect((await signIn(test.keys[role])).status).toBe(201)
    }
    expect((await test.request('/session', withCookie(operator[1]?.pair ?? ''))).status).toBe(401)
    expect((await test.request('/session', withCookie(operator[2]?.pair ?? ''))).status).toBe(200)
  })

  it('does nothing for pages of other origins', async () => {
    const { pair } = await signIn()
    const body = { id: 'x', kind: 'truck' }
    const foreign = [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: ORIGIN },
    ]
    for (const headers of foreign) {
      const response = await test.request('/devices', { ...withCookie(pair, headers), body })
      expect(response.status, JSON.stringify(headers)).toBe(403)
    }
    expect(test.registry.devices.get('acme.x')).toBeNull()
    const read = await test.request(
      '/devices',
      withCookie(pair, { 'sec-fetch-site': 'cross-site' }),
    )
    expect(read.status).toBe(200)
    const own = { host: 'localhost', origin: ORIGIN }
    expect((await test.request('/devices', { ...withCookie(pair, own), body })).status).toBe(201)
    const bearer = { headers: { origin: 'http://evil.example' }, body: { ...body, id: 'y' } }
    expect((await test.request('/devices', { role: 'tenant-operator', ...bearer })).status).toBe(
      201,
    )
    const lured = await test.request('/session', {
      key: null,
      body: { key: test.keys.admin },
      headers: { origin: 'http://evil.example' },
    })
    expect(lured.status).toBe(403)
  })

  it('is refused for a wrong key, which does not come back', async () => {
    const { status, text, headers } = await signIn('pbk_a-wrong-key-0123456789')
    expect(status).toBe(401)
    expect(headers['set-cookie']).toBeUndefined()
    expect(text).not.toContain('wrong-key')
    const odd = await test.request('/session', { key: null, body: { key: 12345678 } })
    expect(odd.status).toBe(422)
    expect(odd.text).not.toContain('12345678')
  })
})

describe('a bearer key', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  it.each([
    ['no header', null, undefined],
    ['a wrong key', 'pbk_a-wrong-key-0123456789', undefined],
    ['an empty key', '', undefined],
    ['another scheme', null, 'Basic YTpi'],
    ['two keys', null, 'Bearer a b'],
  ])('is asked for, with a challenge: %s', async (_name, key, authorization) => {
    const headers: Record<string, string> = authorization ? { authorization } : {}
    const response = await test.request('/devices', { key, headers })
    expect(response.status).toBe(401)
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/)
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(response.body).toMatchObject({ status: 401, title: 'Unauthorized', type: 'about:blank' })
  })

  it('wins over a cookie that came with it', async () => {
    const headers = { cookie: 'padborg_session=pbw_nobody' }
    expect((await test.request('/devices', { headers })).status).toBe(200)
  })

  it('may be the token of run.json, as admin, and no other token', async () => {
    expect((await test.request('/session', { key: LOCAL_TOKEN })).body).toMatchObject({
      role: 'admin',
    })
    expect((await test.request('/session', { key: `${LOCAL_TOKEN}x` })).status).toBe(401)
    const without = await createTestApp({}, { localToken: null })
    expect((await without.request('/session', { key: LOCAL_TOKEN })).status).toBe(401)
    await without.close()
  })
})
