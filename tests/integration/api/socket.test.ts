import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { waitFor } from '../../support/wait-for.ts'
import { createTestApp, type TestApp } from '../../unit/api/test-app.ts'

describe('the API on a real socket', () => {
  let test: TestApp
  let port: number
  let base: string

  beforeEach(async () => {
    test = await createTestApp()
    await test.app.listen({ host: '127.0.0.1', port: 0 })
    // A TCP server that listens has such an address.
    port = (test.app.server.address() as AddressInfo).port
    base = `http://127.0.0.1:${port}`
  })
  afterEach(() => test.close())

  const authorization = () => ({ authorization: `Bearer ${test.keys.admin}` })

  it('answers a browser that signed in', async () => {
    const signIn = await fetch(`${base}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: base },
      body: JSON.stringify({ key: test.keys['tenant-viewer'] }),
    })
    expect(signIn.status).toBe(201)
    const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    const devices = await fetch(`${base}/api/v1/devices`, { headers: { cookie } })
    expect(devices.status).toBe(200)
    const signOut = await fetch(`${base}/api/v1/session`, {
      method: 'DELETE',
      headers: { cookie, origin: base },
    })
    expect(signOut.status).toBe(204)
    expect((await fetch(`${base}/api/v1/devices`, { headers: { cookie } })).status).toBe(401)
  })

  it('cancels the query of a client that disconnects, and logs no error', async () => {
    let signal: AbortSignal | undefined
    test.port.before = (_name, given) =>
      new Promise((_resolve, reject) => {
        signal = given
        given?.addEventListener('abort', () =>
          reject(new PlatformError('QUERY_TIMEOUT', 'cancelled')),
        )
      })
    const client = new AbortController()
    const answer = fetch(`${base}/api/v1/readings?kind=truck`, {
      headers: authorization(),
      signal: client.signal,
    })
    await waitFor(() => signal)
    expect(signal?.aborted).toBe(false)
    client.abort()
    await expect(answer).rejects.toThrow('aborted')
    await waitFor(() => signal?.aborted)
    test.port.before = async () => {}
    await waitFor(async () => (await test.metrics.show()).text.includes('status="499"'))
    expect(test.logged).toEqual([])
    expect((await fetch(`${base}/api/v1/delivery`, { headers: authorization() })).status).toBe(200)
  })

  it('does not cancel a query when only its request body has ended', async () => {
    const signals: (AbortSignal | undefined)[] = []
    test.port.before = async (_name, signal) => {
      signals.push(signal)
      // The request emits 'close' within a few turns of the event loop after its body was read.
      for (let turns = 0; turns < 50; turns += 1) await nextTurn()
      expect(signal?.aborted).toBe(false)
    }
    const headers = { ...authorization(), 'content-type': 'application/json' }
    const body = JSON.stringify({ ids: ['1.0'] })
    for (const [path, init] of [
      ['/delivery', { headers }],
      ['/rejections/replay', { method: 'POST', headers, body }],
    ] as const) {
      const answer = await fetch(`${base}/api/v1${path}`, init)
      expect(answer.status).toBe(200)
      await answer.text()
    }
    expect(signals.map((signal) => signal?.aborted)).toEqual([false, false])
  })

  it('refuses headers and addresses without end', async () => {
    const long = await fetch(`${base}/api/v1/devices?tenant=${'x'.repeat(20_000)}`, {
      headers: authorization(),
    })
    expect(long.status).toBe(431)
    expect(long.headers.get('content-type')).toBe('application/problem+json')
    expect(await long.json()).toMatchObject({ status: 431, type: 'about:blank' })
  })

  it('answers rubbish with a problem and closes', async () => {
    for (const rubbish of ['\x16\x03\x01\x02\x00\x01\r\n\r\n', 'HELO there\r\n\r\n']) {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
      socket.write(rubbish)
      await once(socket, 'close')
      expect(text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/)
      expect(text).toContain('application/problem+json')
    }
    expect((await fetch(`${base}/health/live`)).status).toBe(200)
  })

  it('does not believe a proxy header', async () => {
    const foreign = await fetch(`${base}/api/v1/session`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        origin: 'http://evil.example',
        'x-forwarded-host': 'evil.example',
      },
      body: JSON.stringify({ key: test.keys.admin }),
    })
    expect(foreign.status).toBe(403)
  })

  it('answers 10 000 rows as JSON and CSV', async () => {
    const { readingRow, NOON_NS } = await import('../../unit/api/rows.ts')
    test.port.rows.readings = Array.from({ length: 10_001 }, (_, at) =>
      readingRow('acme.t1', { seq: at, timeNs: NOON_NS - BigInt(20_000 - at) }),
    )
    const address = `${base}/api/v1/readings?kind=truck&limit=10000`
    const json = await fetch(address, { headers: authorization() })
    const body = JSON.parse(await json.text())
    expect(body.data).toHaveLength(10_000)
    expect(body.next).not.toBeNull()
    const csv = await fetch(`${address}&as=csv`, { headers: authorization() })
    expect((await csv.text()).split('\r\n')).toHaveLength(10_002)
    expect(csv.headers.get('link')).toMatch(/rel="next"/)
  })

  it('ends at once when it is closed, though a client keeps its connection', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    const closed = once(socket, 'close')
    await test.app.close()
    await closed
  })
})

describe('connections of the API', () => {
  let test: TestApp
  let port: number

  beforeEach(async () => {
    const limits = { maxConnections: 3, headersTimeoutMs: 100, timeoutCheckMs: 20 }
    test = await createTestApp({}, limits)
    await test.app.listen({ host: '127.0.0.1', port: 0 })
    port = (test.app.server.address() as AddressInfo).port
  })
  afterEach(() => test.close())

  it('whose headers never end are closed', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => socket.destroy())
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: ')
    socket.resume()
    await once(socket, 'close')
  })

  it('above their limit are closed as soon as they come', async () => {
    const sockets = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'))
    let closed = 0
    for (const socket of sockets) {
      socket.on('error', () => socket.destroy())
      socket.once('close', () => (closed += 1))
      socket.resume()
    }
    await waitFor(() => closed === 2, { what: 'two closed connections' })
    for (const socket of sockets) socket.destroy()
  })
})
