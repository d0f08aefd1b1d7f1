import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createTestApp, type TestApp } from './test-app.ts'

describe('the public routes', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  const open = (path: string) => test.request(path, { key: null })

  it('shows whether the process lives and whether it is ready', async () => {
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

  it('is not ready when the writer lags, or the ingest role does not reply', async () => {
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
    await test.request('/devices/acme.t1')
    await test.request('/devices/acme.none')
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

  it('serves a page at / whose links exist', async () => {
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

  it('sends security headers with every response', async () => {
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
    expect((await test.request('/devices')).headers['cache-control']).toBe('no-store')
  })
})
