import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { isPlatformError } from '#lib/runtime/errors.ts'
import { createLog } from '#lib/runtime/log.ts'
import { StoreBusy } from '#lib/store/influx/client/failure.ts'
import { createInflux, type Influx } from '#lib/store/influx/client/influx.ts'
import { pointLine } from '#lib/store/influx/write/line.ts'
import type { InfluxSettings } from '#lib/store/influx/settings.ts'
import { startFaultProxy, type FaultProxy } from '../support/http-fault.ts'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { waitFor } from '../support/wait-for.ts'
import { seedOfRun } from './store-fixture.ts'
import { DAY_START_NS } from './store-rows.ts'

const DEPS = { log: createLog('silent'), clock: systemClock }
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error,
  )

describe.skipIf(!hasInfluxd)('the connection to InfluxDB 1.x', { timeout: 60_000 }, () => {
  let server: TestServer
  let proxy: FaultProxy
  let influx: Influx
  let databases = 0
  const opened: Influx[] = []

  beforeAll(async () => {
    server = await startInfluxd()
    proxy = await startFaultProxy(server.url)
  })
  afterAll(async () => {
    await proxy?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    databases += 1
    influx = connect({})
    await influx.query(`CREATE DATABASE "${influx.settings.database}"`)
  })
  afterEach(() => {
    proxy.inject(null)
    for (const one of opened.splice(0)) one.close()
  })

  const connect = (over: Partial<InfluxSettings>): Influx => {
    const { username, password } = server
    const database = `db ${databases}`
    const made = createInflux(
      { url: proxy.url, kind: 'v1', database, username, password, timeoutMs: 10_000, ...over },
      DEPS,
    )
    opened.push(made)
    return made
  }
  const linesOf = (n: number) =>
    Array.from({ length: n }, (_, at) => `m,a=b v=${at} ${DAY_START_NS + BigInt(at)}`)
  const countOf = async (measurement: string) => {
    const [series] = await influx.query(`SELECT count(v) FROM "${measurement}"`)
    return series?.values[0]?.[1] ?? 0
  }

  it('finds the lines that InfluxDB refuses, with its reason, and stores the others', async () => {
    const lines = linesOf(1000)
    lines[17] = `m,a=b v="a text" ${DAY_START_NS + 17n}`
    lines[18] = 'no line at all'
    lines[999] = `m,a=b v=true ${DAY_START_NS + 999n}`
    await influx.write([`m,a=b v=1 ${DAY_START_NS}`])
    const { refused } = await influx.write(lines)
    expect(refused.map(({ at }) => at)).toEqual([17, 18, 999])
    expect(refused[0]?.reason).toMatch(/field type conflict.*string.*float$/)
    expect(refused[1]?.reason).toMatch(/unable to parse/)
    expect(await countOf('m')).toBe(997)
  })

  it('does not take the lines for bad where the server refuses every one', async () => {
    proxy.inject(() => ({ status: 400, body: '{"error":"nothing is right today"}' }))
    const failure = await failureOf(influx.write(linesOf(4)))
    expect(isPlatformError(failure, 'CONFIG_INVALID')).toBe(true)
    expect(String(failure)).toContain('nothing is right today')
    proxy.inject(null)
    // Here it is the lines: another one is taken.
    expect((await influx.write(['x', 'y'])).refused).toHaveLength(2)
  })

  it('reads Retry-After of a busy server: seconds or a date', async () => {
    for (const [status, after, least, most] of [
      [429, '30', 30_000, 30_000],
      [503, new Date(Date.now() + 90_000).toUTCString(), 80_000, 90_000],
      [503, undefined, 0, 0],
      [500, 'soon', 0, 0],
    ] as const) {
      const headers = after === undefined ? {} : { 'retry-after': after }
      proxy.inject(() => ({ status, headers, body: '{"error":"later"}' }))
      const failure = await failureOf(influx.write(linesOf(10)))
      expect(failure).toBeInstanceOf(StoreBusy)
      expect(isPlatformError(failure, 'STORE_UNAVAILABLE')).toBe(true)
      const { retryAfterMs } = failure as StoreBusy
      expect(retryAfterMs).toBeGreaterThanOrEqual(least)
      expect(retryAfterMs).toBeLessThanOrEqual(most)
    }
  })

  it('sends each batch once, and keeps nothing of one that failed', async () => {
    proxy.inject(() => ({ status: 503, body: 'no' }))
    const before = proxy.requests.length
    await failureOf(influx.write(linesOf(50)))
    expect(proxy.requests.length - before).toBe(1)
    proxy.inject(null)
    await influx.write([`other v=1 ${DAY_START_NS}`])
    expect(await countOf('m')).toBe(0)
  })

  it('gives up a silent server at its deadline, and its connection with it', async () => {
    const hasty = connect({ timeoutMs: 100 })
    proxy.inject(() => 'silence')
    for (let n = 0; n < 5; n += 1) {
      const failure = await failureOf(hasty.write(linesOf(10)))
      expect(failure).toBeInstanceOf(StoreBusy)
      expect(String(failure)).toMatch(/within 100 ms/)
    }
    const idle = await waitFor(() => proxy.connections() <= 2, { what: 'connections to close' })
    expect(idle).toBe(true)
    const aborted = failureOf(influx.query('SELECT v FROM m', AbortSignal.timeout(50)))
    expect(await aborted).toMatchObject({ name: 'TimeoutError' })
  })

  it('names the wrong setting, and never the password', async () => {
    const stranger = connect({ password: 'a wrong secret' })
    for (const work of [stranger.write(linesOf(1)), stranger.query('SHOW DATABASES')].map(
      failureOf,
    )) {
      const failure = await work
      expect(isPlatformError(failure, 'CONFIG_INVALID')).toBe(true)
      expect(String(failure)).toMatch(/401.*authorization failed.*INFLUX_USERNAME/)
      expect(String(failure)).not.toContain('a wrong secret')
    }
    const lost = connect({ database: 'nowhere' })
    for (const work of [lost.write(linesOf(1)), lost.query('SELECT v FROM m')].map(failureOf)) {
      const failure = await work
      expect(isPlatformError(failure, 'CONFIG_INVALID')).toBe(true)
      expect(String(failure)).toMatch(/database not found.*INFLUX_DATABASE/)
    }
    const nobody = connect({ url: 'http://127.0.0.1:1' })
    expect(await failureOf(nobody.write(linesOf(1)))).toBeInstanceOf(StoreBusy)
  })

  const seed = seedOfRun()
  it(`gives back any names and values, and no line becomes two (SEED=${seed})`, async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 })
    const awkward = fc.oneof(
      text,
      fc.constantFrom('a\\', 'a=b,c d', '\'"', 'x\ny v=1 2', '\\ ', '#'),
    )
    const point = fc.record({
      tag: awkward,
      text: awkward,
      n: fc.double({ noNaN: true, noDefaultInfinity: true }),
      whole: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(point, { minLength: 1, maxLength: 20 }), async (points) => {
        await influx.query('DROP MEASUREMENT "p"').catch(() => undefined)
        const lines = points.map(({ tag, text, n, whole }, at) =>
          pointLine({
            measurement: 'p',
            tags: { at: String(at), tag },
            fields: { text, n, whole },
            timeNs: DAY_START_NS + BigInt(at),
          }),
        )
        expect((await influx.write(lines)).refused).toEqual([])
        const [series] = await influx.query('SELECT text, n, whole, "tag" FROM "p"')
        const found = series?.values.map(([, text, n, whole]) => ({
          text,
          n: Number(n),
          whole: BigInt(whole as string | number),
        }))
        expect(found).toEqual(points.map(({ text, n, whole }) => ({ text, n, whole })))
        // A backslash at the end and control characters have no escape: they are written otherwise.
        const plain = [...points.entries()].filter(([, { tag }]) => !/[\p{Cc}\\]/u.test(tag))
        const tags = plain.map(([at]) => series?.values[at]?.[4] ?? '')
        expect(tags).toEqual(plain.map(([, { tag }]) => tag))
      }),
      { numRuns: 30, seed, endOnFailure: true },
    )
  })
})
