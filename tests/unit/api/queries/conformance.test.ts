import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../test-app.ts'
import { NOON_NS } from '../rows.ts'

describe('/devices/:id/conformance', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  it('shows findings and facts, times in ISO 8601', async () => {
    const { conformance } = test.port.rows
    const finding = {
      code: 'schema',
      severity: 'error',
      path: 'data.speedKmh',
      example: 'got "fast"',
      advice: 'expected number',
    } as const
    const clock = { offsetMs: 3, boundMs: 9, measuredAtNs: NOON_NS, syncClass: 'B' } as const
    test.port.rows.conformance = {
      ...conformance,
      findings: [finding],
      facts: { ...conformance.facts, clock, lastReceivedAtNs: NOON_NS, flags: { late: 2 } },
    }
    const { status, body } = await test.request('/devices/acme.t1/conformance')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      device: 'acme.t1',
      findings: [finding],
      facts: {
        registeredFormat: 'native',
        firstReceivedAt: null,
        lastReceivedAt: '2026-11-24T12:00:00.000Z',
        clock: { offsetMs: 3, boundMs: 9, measuredAt: '2026-11-24T12:00:00.000Z', syncClass: 'B' },
        sequence: null,
        flags: { late: 2 },
      },
    })
    expect(test.port.received).toMatchObject([
      { name: 'conformance', query: { device: 'acme.t1' } },
    ])
  })

  it('keeps to its schema', async () => {
    const { body } = await test.request('/openapi.json')
    const path = body.paths['/api/v1/devices/{id}/conformance'].get
    const { properties } = path.responses['200'].content['application/json'].schema
    const response = await test.request('/devices/acme.t1/conformance')
    expect(Object.keys(response.body).toSorted()).toEqual(Object.keys(properties).toSorted())
    expect(Object.keys(response.body.facts).toSorted()).toEqual(
      Object.keys(properties.facts.properties).toSorted(),
    )
  })

  it('takes the short id with a key of the tenant', async () => {
    const { body } = await test.request('/devices/t1/conformance', { role: 'tenant-viewer' })
    expect(body.device).toBe('acme.t1')
  })

  it('returns 404 for unknown devices and those of other tenants, without a query', async () => {
    for (const role of ['tenant-operator', 'tenant-viewer'] as const) {
      expect((await test.request('/devices/beta.t1/conformance', { role })).status).toBe(404)
    }
    expect((await test.request('/devices/acme.nobody/conformance')).status).toBe(404)
    expect(test.port.received).toEqual([])
  })

  it('is not for roles that may not see payloads', async () => {
    for (const role of ['secretariat', 'engineer', 'application'] as const) {
      expect((await test.request('/devices/acme.h1/conformance', { role })).status, role).toBe(403)
    }
  })

  it('fails rather than return a row of another device', async () => {
    test.port.ignoresScope = true
    const { status, text } = await test.request('/devices/acme.t1/conformance')
    expect(status).toBe(500)
    expect(text).not.toContain('gamma')
  })
})
