import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

describe('errors of the API', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp({}, { bodyBytes: 1000 })
  })
  afterEach(() => test.close())

  it.each([
    ['QUERY_BUSY', 503, '1'],
    ['STORE_UNAVAILABLE', 503, '5'],
    ['QUERY_TIMEOUT', 504, undefined],
  ] as const)('%s is %i', async (code, status, retryAfter) => {
    const inner = 'IO error on /var/lib/padborg/store/2026.duckdb'
    test.port.before = () => Promise.reject(new PlatformError(code, inner))
    const response = await test.request('/readings?kind=truck')
    expect(response.status).toBe(status)
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(response.headers['retry-after']).toBe(retryAfter)
    expect(response.body).toMatchObject({ status, code })
    expect(response.text).not.toContain('/var/lib')
    expect(test.logged).toHaveLength(1)
  })

  it('a bug is 500 without its message, and one log line with it', async () => {
    test.port.before = () => Promise.reject(new TypeError('rows of /secret/path is undefined'))
    const { status, body, text } = await test.request('/readings?kind=truck')
    expect(status).toBe(500)
    expect(text).not.toContain('secret')
    expect(test.logged).toHaveLength(1)
    const [line] = test.logged
    expect(line?.level).toBe('error')
    const { request } = (line?.fields ?? {}) as { readonly request: string }
    expect(body.detail).toContain(request)
  })

  it('a caller’s mistake is no log line', async () => {
    await test.request('/readings?kind=lorry')
    await test.request('/devices/acme.none')
    await test.request('/tenants', { body: { id: 'acme', name: 'x' } })
    expect(test.logged).toEqual([])
  })

  it.each([
    ['text', { 'content-type': 'text/plain' }, '{"id":"x"}', 415],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'id=x', 415],
    ['no JSON', {}, '{"id":', 400],
    ['an empty body', {}, '', 400],
    ['a prototype', {}, '{"__proto__":{"admin":true}}', 400],
    ['too much', {}, JSON.stringify({ id: 'x', name: 'x'.repeat(1000) }), 413],
    ['a list', {}, '[]', 422],
  ])('a body of %s is refused', async (_name, headers, body, status) => {
    const response = await test.request('/tenants', { body, headers })
    expect(response.status).toBe(status)
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(response.body.detail).toMatch(/expected/)
    expect(test.registry.tenants.list()).toHaveLength(2)
  })

  it('an unknown address or method gets a problem document, with any key or none', async () => {
    for (const [path, method] of [
      ['/api/v1/nothing', 'GET'],
      ['/api/v1/readings', 'PUT'],
      ['/api/v1/devices/acme.t1', 'PUT'],
      ['/%ff', 'GET'],
    ] as const) {
      const { status, headers } = await test.request(path, { method, key: null })
      expect([400, 404]).toContain(status)
      expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    }
  })
})
