import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Role } from '#lib/access/policy.ts'
import { KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import { delayRows, heatResult, latencyRow, rowsOf } from '../rows.ts'
import { createTestApp, type TestApp } from '../test-app.ts'
import { timesRuns } from '../../../support/random-runs.ts'

const SEED = Number(process.env['SEED'] ?? 20261124)
const TENANTS = ['acme', 'beta', 'gamma'] as const
const ROLES = ['tenant-operator', 'tenant-viewer', 'application'] as const satisfies readonly Role[]

/** Devices of all three tenants, with a row of every sort for each. */
const fleet = fc.uniqueArray(
  fc.record({
    tenant: fc.constantFrom(...TENANTS),
    short: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom(...KIND_NAMES),
  }),
  { selector: ({ tenant, short }) => `${tenant}.${short}`, minLength: 3, maxLength: 9 },
)

const someDevices = fc.subarray(
  [...TENANTS.flatMap((tenant) => ['a', 'b', 'c'].map((short) => `${tenant}.${short}`)), 'a'],
  { maxLength: 3 },
)
const path = fc.constantFrom(
  '/tenants',
  '/sites',
  '/devices',
  '/keys',
  '/readings',
  '/last-values',
  '/delivery',
  '/rejections',
  '/kpi/latency',
  '/kpi/throughput',
  '/kpi/loss',
  '/kpi/jitter',
  '/kpi/availability',
  '/heat/recovered',
)
const query = fc.record({
  path,
  role: fc.constantFrom(...ROLES),
  devices: someDevices,
  tenants: fc.subarray([...TENANTS], { maxLength: 2 }),
  kind: fc.option(fc.constantFrom<Kind>(...KIND_NAMES), { nil: undefined }),
  every: fc.boolean(),
  csv: fc.boolean(),
})

/** Parameters that each address knows. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  '/devices': ['tenant', 'kind'],
  '/readings': ['device', 'tenant', 'kind', 'every'],
  '/last-values': ['device', 'tenant', 'kind'],
  '/delivery': ['device', 'tenant', 'kind'],
  '/rejections': ['device', 'tenant'],
  '/kpi/latency': ['device', 'tenant', 'kind', 'every', 'by'],
  '/kpi/throughput': ['device', 'tenant', 'kind', 'every', 'by'],
  '/kpi/loss': ['device', 'tenant', 'kind', 'every', 'by'],
  '/kpi/jitter': ['device', 'tenant', 'kind'],
  '/kpi/availability': ['device', 'tenant', 'kind'],
  '/heat/recovered': ['device', 'tenant', 'every'],
}

/** A kind of the fleet as a value in JSON or as a cell, or a truck of `createTestApp`. */
const FLEET = /"(truck|robot|radio|probe)"[,}]|,(truck|robot|radio|probe),|\.t1/

/** A tenant, and so a device, or a place. */
const NAMED = /acme|beta|gamma|54[.,]8/

describe(`a tenant (SEED=${SEED})`, () => {
  let test: TestApp

  beforeAll(async () => {
    test = await createTestApp()
    test.registry.tenants.create({ id: 'gamma', name: 'gamma' })
    for (const tenant of TENANTS) {
      test.registry.keys.create({ role: 'application', tenant, name: `${tenant} app` })
      test.registry.sites.create({
        id: `${tenant}-yard`,
        tenant,
        name: `${tenant} yard`,
        position: null,
        outline: null,
      })
    }
  })
  afterAll(() => test.close())

  it('never receives a row, an id or a name of another tenant from any query', async () => {
    let results = 0
    await fc.assert(
      fc.asyncProperty(
        fleet,
        fc.array(query, { minLength: 40, maxLength: 60 }),
        async (devices, questions) => {
          fill(devices)
          for (const one of questions) {
            const address = addressOf(one)
            const { status, text } = await test.request(address, { role: one.role })
            expect([200, 403, 404, 422], `${address}: ${text}`).toContain(status)
            expect(status === 403).toBe(one.role === 'application' || isKeysOfViewer(one))
            if (status !== 200) continue
            results += 1
            expect(text, address).not.toMatch(/beta|gamma/)
          }
        },
      ),
      { seed: SEED, numRuns: timesRuns(20) },
    )
    expect(results).toBeGreaterThan(200)
  })

  it('is hidden from the engineer, with its devices and places, and its trucks from the secretariat', async () => {
    let results = 0
    const roles = fc.constantFrom<Role>('engineer', 'secretariat')
    const request = fc.record({ one: query, role: roles })
    await fc.assert(
      fc.asyncProperty(
        fleet,
        fc.array(request, { minLength: 40, maxLength: 60 }),
        async (devices, questions) => {
          fill(devices)
          for (const { one, role } of questions) {
            const { status, text } = await test.request(
              addressOf({ ...one, role: 'tenant-viewer' }),
              {
                role,
              },
            )
            expect([200, 403, 404, 422]).toContain(status)
            if (status !== 200) continue
            results += 1
            expect(text).not.toMatch(role === 'engineer' ? NAMED : FLEET)
          }
        },
      ),
      { seed: SEED, numRuns: timesRuns(15) },
    )
    expect(results).toBeGreaterThan(100)
  })

  it('gets an error and no foreign row when the ingest role ignores the scope', async () => {
    fill([
      { tenant: 'acme', short: 'a', kind: 'truck' },
      { tenant: 'beta', short: 'a', kind: 'truck' },
    ])
    test.port.ignoresScope = true
    const addresses = [
      '/readings?kind=truck',
      '/readings?kind=truck&every=1h',
      '/last-values',
      '/delivery',
      '/rejections',
      '/kpi/latency?by=device',
      '/kpi/throughput?by=tenant',
      '/kpi/loss?by=device,tenant',
      '/kpi/jitter',
      '/kpi/availability',
      '/heat/recovered',
    ]
    for (const address of addresses) {
      const { status, text } = await test.request(address, { role: 'tenant-viewer' })
      expect(status, address).toBe(500)
      expect(text).not.toContain('beta')
      expect((await test.request(address)).status).toBe(200)
    }
    test.port.ignoresScope = false
  })

  it('gets 404, not 403, for entries of another tenant, as for entries that do not exist', async () => {
    const role = 'tenant-operator'
    const { id } = test.registry.credentials.create('beta.t1')
    const foreign = [
      ['GET', '/devices/beta.t1'],
      ['DELETE', '/devices/beta.t1'],
      ['GET', '/devices/beta.t1/credentials'],
      ['POST', '/devices/beta.t1/credentials'],
      ['DELETE', `/devices/beta.t1/credentials/${id}`],
      ['DELETE', `/devices/acme.t1/credentials/${id}`],
      ['GET', '/readings?kind=truck&device=beta.t1'],
      ['GET', '/readings?kind=truck&tenant=beta'],
      ['GET', '/delivery?device=acme.t1,beta.t1'],
      ['GET', '/devices?tenant=beta'],
    ] as const
    for (const [method, address] of foreign) {
      const body = method === 'POST' ? {} : undefined
      const there = await test.request(address, { role, method, body })
      expect(there.status, address).toBe(404)
      const nowhere = address.replaceAll('beta', 'nobody')
      const missing = await test.request(nowhere, { role, method, body })
      expect(missing.text.replaceAll('nobody', 'beta')).toBe(there.text)
    }
    for (const tenant of ['beta', 'nobody']) {
      const made = await test.request('/devices', {
        role,
        body: { id: 'x', tenant, kind: 'truck' },
      })
      expect(made.status).toBe(404)
    }
    expect(test.registry.devices.get('beta.x')).toBeNull()
    expect(test.registry.credentials.list('beta.t1')).toHaveLength(1)
  })

  function fill(devices: readonly { tenant: string; short: string; kind: Kind }[]): void {
    const { registry, port } = test
    for (const { id } of registry.devices.list()) {
      if (!id.endsWith('.t1') && !id.endsWith('.h1')) registry.devices.delete(id)
    }
    const rows = devices.map(({ tenant, short, kind }) => {
      registry.devices.create({ id: short, tenant, kind })
      return {
        group: { device: `${tenant}.${short}`, tenant },
        ...rowsOf(`${tenant}.${short}`, kind),
      }
    })
    port.rows.readings = rows.map(({ reading }) => reading)
    port.rows.aggregates = rows.map(({ aggregate }) => aggregate)
    port.rows.lastValues = rows.map(({ lastValue }) => lastValue)
    port.rows.delivery = rows.map(({ delivery }) => delivery)
    port.rows.rejections = rows.map(({ rejection }) => rejection)
    port.rows.latency = rows.map(({ group }) => latencyRow({ group }))
    const sums = { messages: 1, readings: 1, bytes: 1, messagesPerS: 1, bytesPerS: 1 }
    port.rows.throughput = rows.map(({ group }) => ({ group, timeNs: null, ...sums }))
    const loss = { expected: 1, received: 1, lost: 0, lossRatio: 0, restarts: 0 }
    port.rows.loss = rows.map(({ group }) => ({ group, timeNs: null, ...loss }))
    port.rows.delays = rows.flatMap(({ group }) => delayRows(group.device, 2))
    const meters = devices.filter(({ kind }) => kind.endsWith('_meter'))
    port.rows.recoveredHeat = heatResult(
      [],
      (meters.length > 0 ? meters : devices).map(({ tenant, short }) => `${tenant}.${short}`),
    )
  }
})

function isKeysOfViewer({ path, role }: QueryChoice): boolean {
  return role === 'tenant-viewer' && path === '/keys'
}

type QueryChoice = typeof query extends fc.Arbitrary<infer T> ? T : never

function addressOf({ path, devices, tenants, kind, every, csv }: QueryChoice): string {
  const all: Readonly<Record<string, string | undefined>> = {
    device: devices.join(',') || undefined,
    tenant: tenants.join(',') || undefined,
    kind,
    every: every ? '1h' : undefined,
    by: 'device,tenant',
  }
  const known = KNOWN[path] ?? []
  const given = Object.entries(all).flatMap(([name, value]) =>
    value !== undefined && known.includes(name) ? [`${name}=${value}`] : [],
  )
  return `${path}?${[...given, ...(csv ? ['as=csv'] : [])].join('&')}`
}
