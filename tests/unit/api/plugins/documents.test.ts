import { QUERIES } from '#lib/queries/catalogue.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { delayRows, heatResult, heatRow, latencyRow, rowsOf, NOON_NS } from '../rows.ts'
import { createTestApp, type TestRequest, type TestApp } from '../test-app.ts'

// The OpenAPI document, read as a caller would.
// oxlint-disable-next-line typescript/no-explicit-any
type Schema = any

const SUMS = { messages: 1, readings: 1, bytes: 1, messagesPerS: 1, bytesPerS: 1 }
const LOSS = { expected: 1, received: 1, lost: 0, lossRatio: 0, restarts: 0 }
const PLACE = { group: { device: 'acme.t1' }, timeNs: null }

/** A request for every address of the document, with a result that holds a row. */
const REQUESTS: [pattern: string, path: string, how?: TestRequest][] = [
  ['get /health/live', '/health/live'],
  ['get /health/ready', '/health/ready'],
  ['post /api/v1/session', '/session', { body: { key: 'ADMIN' } }],
  ['get /api/v1/session', '/session'],
  ['post /api/v1/tenants', '/tenants', { body: { id: 'gamma', name: 'Gamma' } }],
  ['get /api/v1/tenants', '/tenants'],
  ['post /api/v1/sites', '/sites', { body: { id: 'yard', name: 'Yard' } }],
  ['get /api/v1/sites', '/sites'],
  ['post /api/v1/devices', '/devices', { body: { id: 'd', tenant: 'gamma', kind: 'gateway' } }],
  ['get /api/v1/devices', '/devices'],
  ['get /api/v1/devices/{id}', '/devices/acme.t1'],
  [
    'patch /api/v1/devices/{id}',
    '/devices/acme.h1',
    { method: 'PATCH', body: { settings: { maxPowerKw: 50 } } },
  ],
  ['get /api/v1/devices/{id}/history', '/devices/acme.h1/history'],
  ['patch /api/v1/tenants/{id}', '/tenants/acme', { method: 'PATCH', body: { name: 'Acme' } }],
  ['patch /api/v1/sites/{id}', '/sites/yard', { method: 'PATCH', body: { name: 'The yard' } }],
  ['get /api/v1/devices/{id}/conformance', '/devices/acme.t1/conformance'],
  ['post /api/v1/devices/{id}/credentials', '/devices/acme.t1/credentials', { body: {} }],
  ['get /api/v1/devices/{id}/credentials', '/devices/acme.t1/credentials'],
  ['post /api/v1/keys', '/keys', { body: { role: 'engineer', name: 'new' } }],
  ['get /api/v1/keys', '/keys'],
  ['get /api/v1/kinds', '/kinds'],
  ['get /api/v1/queries', '/queries'],
  ['get /api/v1/readings', '/readings?device=acme.t1'],
  ['get /api/v1/readings', '/readings?device=acme.t1&every=1h'],
  ['get /api/v1/last-values', '/last-values'],
  ['get /api/v1/delivery', '/delivery'],
  ['get /api/v1/rejections', '/rejections'],
  ['get /api/v1/rejections/groups', '/rejections/groups'],
  ['post /api/v1/rejections/replay', '/rejections/replay', { body: { ids: ['1.0'] } }],
  ['get /api/v1/heat/recovered', '/heat/recovered?every=P1M'],
  // Network figures need no more than their path.
  ...Object.values(QUERIES)
    .filter(({ tag, path }) => tag === 'network' && path.startsWith('/kpi/'))
    .map(({ path }): [string, string] => [`get /api/v1${path}`, `${path}?by=device`]),
]

describe('the OpenAPI document', () => {
  let test: TestApp
  let paths: Schema

  beforeAll(async () => {
    const { reading, aggregate, lastValue, delivery, rejection } = rowsOf('acme.t1', 'truck')
    test = await createTestApp({
      readings: [{ ...reading, radio: { rat: 'lte' } }],
      aggregates: [aggregate],
      lastValues: [lastValue],
      delivery: [delivery],
      rejections: [rejection],
      latency: [latencyRow(PLACE)],
      throughput: [{ ...PLACE, ...SUMS }],
      loss: [{ ...PLACE, ...LOSS }],
      delays: delayRows('acme.t1', 3),
      recoveredHeat: heatResult([heatRow({ time: NOON_NS })], ['acme.h1']),
    })
    paths = (await test.request('/openapi.json')).body.paths
  })
  afterAll(() => test.close())

  it.each(REQUESTS)('describes the response of %s (%s)', async (...[pattern, path, how = {}]) => {
    const [method = '', route = ''] = pattern.split(' ')
    const body =
      pattern === 'post /api/v1/session' ? { body: { key: test.keys.admin } } : { ...how }
    const response = await test.request(path, { ...how, ...body })
    expect([200, 201], response.text).toContain(response.status)
    const described = paths[route][method].responses[String(response.status)]
    const { schema } = described.content['application/json']
    expect(faultsOf(schema, response.body, '')).toEqual([])
    expect(JSON.stringify(response.body)).not.toContain('"data":[]')
  })

  it('is sent again only when it has changed', async () => {
    const first = await test.request('/openapi.json')
    const etag = String(first.headers['etag'])
    expect(etag).toMatch(/^W\/"[\w-]+"$/)
    for (const known of [etag, `"other", ${etag}`, '*']) {
      const again = await test.request('/openapi.json', { headers: { 'if-none-match': known } })
      expect(again, known).toMatchObject({ status: 304, text: '' })
    }
    const headers = { 'if-none-match': 'W/"other"' }
    expect(await test.request('/openapi.json', { headers })).toMatchObject({ status: 200 })
  })

  it('holds no address that the test before forgot', () => {
    const asked = new Set(REQUESTS.map(([pattern]) => pattern))
    const missing = Object.entries<object>(paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
      .filter((pattern) => !asked.has(pattern) && !pattern.startsWith('delete '))
    // Bytes as they come, and a stream without an end: not JSON.
    expect(missing.toSorted()).toEqual(['get /api/v1/live', 'get /metrics', 'post /api/v1/backup'])
  })
})

/** What a response holds that its JSON schema does not know, or lacks, or has of another type. */
function faultsOf(schema: Schema, value: unknown, path: string): string[] {
  // A schema within the response (settings in GET /kinds): JSON Schema defines what that holds.
  if (schema.contentSchema) return []
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) {
    const tried = choices.map((choice: Schema) => faultsOf(choice, value, path))
    return tried.some((faults: string[]) => faults.length === 0) ? [] : tried.flat()
  }
  const types = [schema.type ?? []].flat()
  if (types.length > 0 && !types.includes(typeOf(value)) && !types.includes('any')) {
    return [`${path}: expected ${types.join(' or ')}, got ${typeOf(value)}`]
  }
  if (schema.enum && !schema.enum.includes(value)) return [`${path}: not one of ${schema.enum}`]
  if (Array.isArray(value)) {
    return value.flatMap((item, at) => faultsOf(schema.items ?? {}, item, `${path}[${at}]`))
  }
  if (typeof value !== 'object' || value === null) return []
  const missing = (schema.required ?? []).filter((name: string) => !Object.hasOwn(value, name))
  const inner = Object.entries(value).flatMap(([name, part]) => {
    const known = schema.properties?.[name] ?? schema.additionalProperties
    return known ? faultsOf(known, part, `${path}.${name}`) : [`${path}.${name}: not described`]
  })
  return [...missing.map((name: string) => `${path}.${name}: missing`), ...inner]
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
