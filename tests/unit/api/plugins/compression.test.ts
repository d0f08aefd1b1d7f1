import { Readable } from 'node:stream'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addCompression } from '../../../../api/plugins/compression.ts'
import { readingRow } from '../rows.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

describe('compression', () => {
  let test: TestApp

  beforeAll(async () => {
    test = await createTestApp({
      readings: Array.from({ length: 100 }, () => readingRow('acme.t1')),
    })
  })
  afterAll(() => test.close())

  const get = (url: string, encoding: string | null, method: 'GET' | 'HEAD' = 'GET') =>
    test.app.inject({
      method,
      url,
      headers: {
        authorization: `Bearer ${test.keys.admin}`,
        ...(encoding === null ? {} : { 'accept-encoding': encoding }),
      },
    })

  it.each(['/api/v1/kinds', '/api/v1/readings?kind=truck&as=csv', '/openapi.json'])(
    'gives %s as the client accepts it, with the same content',
    async (url) => {
      const plain = await get(url, null)
      expect(plain.headers['content-encoding']).toBeUndefined()
      const gzip = await get(url, 'gzip')
      expect(gzip.headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(gzip.rawPayload).toString()).toBe(plain.body)
      const brotli = await get(url, 'gzip, br')
      expect(brotli.headers['content-encoding']).toBe('br')
      expect(brotliDecompressSync(brotli.rawPayload).toString()).toBe(plain.body)
      expect(brotli.headers['vary']).toBe('accept-encoding')
      expect(brotli.rawPayload.byteLength).toBeLessThan(plain.rawPayload.byteLength / 2)
    },
  )

  it('leaves small bodies, event streams and clients that accept none alone', async () => {
    expect((await get('/health/live', 'br')).headers['content-encoding']).toBeUndefined()
    expect((await get('/api/v1/live', 'br')).headers['content-encoding']).toBeUndefined()
    const identity = await get('/api/v1/kinds', 'identity')
    expect(identity.headers['content-encoding']).toBeUndefined()
  })

  it.each(['application/x-tar', 'application/vnd.apache.parquet', 'text/event-stream'])(
    'leaves a stream of %s as it is',
    async (type) => {
      const app = fastify()
      await addCompression(app)
      app.get('/', (_request, reply) => reply.type(type).send(Readable.from(['x'.repeat(5000)])))
      const headers = { 'accept-encoding': 'gzip, br' }
      const response = await app.inject({ url: '/', headers })
      expect(response.headers['content-encoding']).toBeUndefined()
      expect(response.body).toHaveLength(5000)
      await app.close()
    },
  )

  it('gives HEAD the length of the plain body, and none where GET is compressed', async () => {
    const plain = await get('/api/v1/kinds', null)
    const head = await get('/api/v1/kinds', null, 'HEAD')
    expect(head.headers['content-length']).toBe(plain.headers['content-length'])
    const compressed = await get('/api/v1/kinds', 'gzip', 'HEAD')
    expect(compressed.statusCode).toBe(200)
    expect(compressed.headers['content-length']).toBeUndefined()
    expect(compressed.body).toBe('')
  })

  it('does not expand the body of a request', async () => {
    const { statusCode } = await test.app.inject({
      method: 'POST',
      url: '/api/v1/tenants',
      headers: {
        authorization: `Bearer ${test.keys.admin}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      payload: Buffer.from('not gzip'),
    })
    expect(statusCode).toBe(400)
  })
})
