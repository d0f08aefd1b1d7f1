import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createTestApp, type TestApp } from './test-app.ts'

describe('the public routes', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  const open = (path: string) => test.ask(path, { key: null })

  it('tells whether the process lives and whether it is ready', async () => {
    expect((await open('/health/live')).status).toBe(200)
    const { status, body } = await open('/health/ready')
    expect(status).toBe(200)
    expect(body).toEqual({
      ready: true,
      problems: [],
      warnings: [],
      journal: '11111111-2222-4333-8444-555555555555',
      durable: 7,
      written: 7,
      lagMessages: 0,
      lagMs: 0,
    })
  })

  it('is not ready with the reasons of the ingest role', async () => {
    test.port.rows.status = { ...test.port.rows.status, problems: ['journal: ENOSPC'] }
    const { status, body } = await open('/health/ready')
    expect(status).toBe(503)
    expect(body).toMatchObject({ ready: false, problems: ['journal: ENOSPC'] })
    expect((await open('/health/live')).status).toBe(200)
  })

  it('is not ready when the writer lags, or the ingest role does not answer', async () => {
    const { status: before } = test.port.rows
    test.port.rows.status = { ...before, lagMs: 30_000, lagMessages: 9 }
    expect((await open('/health/ready')).status).toBe(200)
    test.port.rows.status = { ...before, lagMs: 30_001, lagMessages: 9 }
    const lagging = await open('/health/ready')
    expect(lagging.status).toBe(503)
    expect(lagging.body.problems[0]).toMatch(/lags: expected at most 30000 ms, got 30001 ms \(9/)
    test.port.before = () => Promise.reject(new PlatformError('CLOSED', 'it is closed'))
    const closed = await open('/health/ready')
    expect(closed.status).toBe(503)
    expect(closed.body).toMatchObject({ ready: false, journal: null })
  })

  it('shows metrics, with routes as patterns and never an address', async () => {
    await test.ask('/devices/acme.t1')
    await test.ask('/devices/acme.none')
    await open('/wp-admin.php?x=1')
    await open('/devices')
    const { text, headers } = await open('/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain/)
    const lines = text.split('\n').filter((line) => line.startsWith('padborg_http_requests_total'))
    expect(lines.toSorted()).toEqual([
      'padborg_http_requests_total{method="GET",route="/api/v1/devices",status="401"} 1',
      'padborg_http_requests_total{method="GET",route="/api/v1/devices/:id",status="200"} 1',
      'padborg_http_requests_total{method="GET",route="/api/v1/devices/:id",status="404"} 1',
      'padborg_http_requests_total{method="GET",route="none",status="404"} 1',
    ])
  })

  it('answers / with a page whose links lead somewhere', async () => {
    const { text, headers } = await open('/')
    expect(headers['content-type']).toMatch(/^text\/html/)
    for (const [, path = ''] of text.matchAll(/href="([^"]+)"/g)) {
      const { pathname } = new URL(path, 'http://platform/')
      const { statusCode } = await test.app.inject({ url: pathname })
      expect([200, 503], path).toContain(statusCode)
    }
  })

  it('has an OpenAPI 3.1 document that holds every address with its roles', async () => {
    const { body } = await open('/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(body.info.version).toBe('0.0.0')
    const latency = body.paths['/api/v1/kpi/latency'].get
    expect(latency.description).toBe('Roles: admin, engineer, tenant-operator, tenant-viewer.')
    const names = latency.parameters.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['from', 'to', 'by', 'every', 'stage', 'as']))
    expect(Object.keys(latency.responses)).toEqual(['200', 'default'])
    expect(JSON.stringify(body)).not.toMatch(/\/docs|padborg-api-/)
    const operations = Object.values<object>(body.paths).flatMap((path) => Object.keys(path))
    expect(operations.length).toBeGreaterThan(25)
  })

  it('has a documentation page that loads nothing from elsewhere, under a strict policy', async () => {
    const { text, headers } = await open('/docs')
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(text).not.toMatch(/<script>|<style|https?:\/\//)
    const paths = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(4)
    for (const path of paths) {
      const file = await open(path)
      expect(file.status, path).toBe(200)
      expect(file.headers['x-content-type-options']).toBe('nosniff')
    }
    const document = await open('/docs/json')
    expect(document.body).toEqual((await open('/openapi.json')).body)
  })

  it('carries security headers on every answer', async () => {
    for (const path of ['/', '/health/live', '/api/v1/devices', '/nowhere', '/docs/json']) {
      const { headers } = await open(path)
      expect(headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
      })
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
    expect((await test.ask('/devices')).headers['cache-control']).toBe('no-store')
  })
})

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
    const answer = await test.ask('/readings?kind=truck')
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['retry-after']).toBe(retryAfter)
    expect(answer.body).toMatchObject({ status, code })
    expect(answer.text).not.toContain('/var/lib')
    expect(test.logged).toHaveLength(1)
  })

  it('a bug is 500 without its words, and one log line with them', async () => {
    test.port.before = () => Promise.reject(new TypeError('rows of /secret/path is undefined'))
    const { status, body, text } = await test.ask('/readings?kind=truck')
    expect(status).toBe(500)
    expect(text).not.toContain('secret')
    expect(test.logged).toHaveLength(1)
    const [line] = test.logged
    expect(line?.level).toBe('error')
    const { request } = (line?.fields ?? {}) as { readonly request: string }
    expect(body.detail).toContain(request)
  })

  it('a caller’s mistake is no log line', async () => {
    await test.ask('/readings?kind=lorry')
    await test.ask('/devices/acme.none')
    await test.ask('/tenants', { body: { id: 'acme', name: 'x' } })
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
    const answer = await test.ask('/tenants', { body, headers })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.body.detail).toMatch(/expected/)
    expect(test.registry.tenants.list()).toHaveLength(2)
  })

  it('an unknown address or method gets a problem document, with any key or none', async () => {
    for (const [path, method] of [
      ['/api/v1/nothing', 'GET'],
      ['/api/v1/readings', 'PUT'],
      ['/api/v1/devices/acme.t1', 'PUT'],
      ['/%ff', 'GET'],
    ] as const) {
      const { status, headers } = await test.ask(path, { method, key: null })
      expect([400, 404]).toContain(status)
      expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    }
  })
})
