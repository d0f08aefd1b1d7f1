import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hasInfluxd } from '../support/influxd.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  BAD_FIELD,
  backlogDrains,
  canMountTmpfs,
  metricOf,
  openOutage,
  peakMemoryBytes,
  type Outage,
} from './influx-outage-place.ts'

/*
 * Each outage runs under the same steady load: InfluxDB fails while the load of `SPAN_S` is
 * acknowledged; afterwards the truth of the devices is compared with the API and with InfluxDB itself. Longer
 * spans: OUTAGE_SECONDS=300 OUTAGE_RATE=1000, and for the slow server OUTAGE_SLOW_MS=20000.
 */
const SPAN_S = Number(process.env['OUTAGE_SECONDS'] ?? 3)
const PER_SECOND = Number(process.env['OUTAGE_RATE'] ?? 300)
const SLOW_MS = Number(process.env['OUTAGE_SLOW_MS'] ?? 1200)
const isLong = SPAN_S >= 30
const TEST_MS = SPAN_S * 3000 + 180_000
/** The writer pauses at most 5 s between attempts, and each may take the timeout of a request. */
const NOTICED_MS = 40_000
/** What a server asks for with Retry-After: longer than the writer's own pauses by then. */
const HOLD_S = 4
const MIB = 1024 * 1024
const canMount = canMountTmpfs()

if (!hasInfluxd) process.stderr.write('outages of InfluxDB are skipped: no influxd on the PATH\n')

describe.skipIf(!hasInfluxd)('under load, nothing acknowledged is lost or doubled', () => {
  let outage: Outage

  beforeAll(async () => {
    outage = await openOutage({
      perSecond: PER_SECOND,
      ...(canMount ? { tmpfsBytes: (isLong ? 1024 : 128) * MIB } : {}),
      // A backlog of seconds is many batches, so that its draining can be watched.
      env: isLong ? {} : { PADBORG_INFLUX_TIMEOUT_MS: '2000', PADBORG_INGEST_BATCH_BYTES: '65536' },
    })
    await outage.startLoad()
  }, TEST_MS)
  afterEach(() => outage.mend())
  afterAll(() => outage?.close())

  const during = (fault: Fault) => failsAndRecovers(outage, fault)

  it('while influxd is killed with -9 and started again', { timeout: TEST_MS }, () =>
    during({
      fail: () => outage.killInflux(),
      mend: () => outage.restartInflux(),
      says: /the store cannot be written: .*(ECONNREFUSED|ECONNRESET|socket hang up)/,
    }),
  )

  it('while influxd is stopped', { timeout: TEST_MS }, () =>
    during({
      fail: () => outage.influx().kill('SIGSTOP'),
      mend: () => outage.influx().kill('SIGCONT'),
      says: /the store cannot be written: .*answer within \d+ ms/,
    }),
  )

  it('while the disk of influxd is full', { timeout: TEST_MS }, async () => {
    const says = /the store cannot be written: .*no space left on device/
    if (!canMount) {
      const error = 'engine: error writing WAL entry: write 1.wal: no space left on device'
      const full = { status: 500, body: JSON.stringify({ error }) }
      await during({ ...answering(outage, () => full), says })
      return
    }
    const filler = join(outage.influxDir, 'filler')
    await during({
      async fail() {
        fill(outage.influxDir, filler)
        // The last page of its log may have room for a batch.
        await saysNotReady(outage, says)
      },
      async mend() {
        rmSync(filler)
        // influxd 1.6 goes on refusing once its write-ahead log has failed, until it starts anew.
        await outage.killInflux()
        await outage.restartInflux()
      },
      says,
    })
  })

  it('while every response is slow', { timeout: TEST_MS }, () =>
    during({
      fail: async () => outage.slow.delayAnswers(SLOW_MS),
      mend: async () => outage.slow.delayAnswers(0),
      says: /the writer lags: expected at most 1000 ms/,
      stillStores: true,
    }),
  )

  it(
    'while InfluxDB returns 429 with Retry-After, and gets no request meanwhile',
    {
      timeout: TEST_MS,
    },
    () => {
      const headers = { 'retry-after': String(HOLD_S) }
      let batches = 0
      const refuse = (request: IncomingMessage): AnswerOrPass => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          const body = Buffer.concat(chunks)
          const isZipped = request.headers['content-encoding'] === 'gzip'
          const lines = isZipped ? gunzipSync(body) : body
          // Derived series are not the writer's, and wait for themselves.
          if (lines.toString().startsWith('truck,')) batches += 1
        })
        return { status: 429, headers, body: 'too many' }
      }
      return during({
        ...answering(outage, refuse),
        says: /the store cannot be written: .*got 429: too many/,
        meanwhileHolds(elapsedS) {
          expect(batches).toBeGreaterThan(0)
          expect(batches).toBeLessThanOrEqual(elapsedS / HOLD_S + 1)
        },
      })
    },
  )

  it('while InfluxDB answers 503, also what it has taken', { timeout: TEST_MS }, () => {
    let asked = 0
    const body = 'service unavailable'
    const refuse = ({ url }: IncomingMessage): AnswerOrPass => {
      asked += 1
      const isTaken = asked % 2 === 0 && (url?.startsWith('/write') ?? false)
      return isTaken ? { pass: true, status: 503, body } : { status: 503, body }
    }
    return during({
      ...answering(outage, refuse),
      says: /the store cannot be written: .*got 503: service unavailable/,
    })
  })

  it(
    'while the platform is killed with -9 and started again without InfluxDB',
    {
      timeout: TEST_MS,
    },
    () =>
      during({
        fail: () => outage.killInflux(),
        async meanwhile() {
          await saysNotReady(outage, /the store cannot be written/)
          await outage.killPlatform()
          await outage.stopLoad()
          await outage.restartPlatform()
          await outage.startLoad()
        },
        mend: () => outage.restartInflux(),
        says: /the store cannot be written: .*(ECONNREFUSED|ECONNRESET|socket hang up)/,
      }),
  )

  it(
    'while InfluxDB refuses some lines, which become rejections with its words',
    {
      timeout: TEST_MS,
    },
    async () => {
      const { fleet } = outage
      const nowNs = BigInt(Date.now()) * 1_000_000n
      await outage.writeLine(`truck,device=acme.odd ${BAD_FIELD}="a text" ${nowNs}`)
      const before = fleet.ackedCount()
      fleet.makeBad(21)
      await waitFor(() => fleet.ackedCount() > before + 2 * PER_SECOND, { timeoutMs: 30_000 })
      fleet.makeBad(0)
      await outage.stopLoad()
      expect(await outage.faults()).toEqual([])
      const platform = outage.platform()
      expect((await platform.api('/health/ready')).status).toBe(200)
      for (const { id } of fleet.devices) {
        const { body } = await platform.api(`/rejections?device=${id}&limit=10000`)
        const seqs = body.data.map(({ payloadBase64 }: { payloadBase64: string }) => {
          return JSON.parse(Buffer.from(payloadBase64, 'base64').toString()).seq
        })
        expect(new Set(seqs)).toEqual(fleet.bad.get(id))
        for (const { reason, expected, got } of body.data) {
          expect(reason).toBe('store_refused')
          expect(`${expected} ${got}`).toMatch(/field type conflict/)
        }
      }
      await outage.startLoad()
    },
  )
})

type AnswerOrPass = Exclude<ReturnType<Judge>, 'silence'>
type Judge = Exclude<Parameters<Outage['proxy']['inject']>[0], null>

function answering({ proxy }: Outage, judge: Judge): Pick<Fault, 'fail' | 'mend'> {
  return { fail: async () => proxy.inject(judge), mend: async () => proxy.inject(null) }
}

interface Fault {
  fail(): Promise<void>
  /** Something else that happens while InfluxDB fails. */
  meanwhile?(): Promise<void>
  mend(): Promise<void>
  /** What /health/ready has to say meanwhile. */
  readonly says: RegExp
  /** InfluxDB takes some of the readings all the same, and says so. */
  readonly stillStores?: boolean
  /** What else has to be true when it has failed for so long. */
  meanwhileHolds?(elapsedS: number): void
}

/** Lets InfluxDB fail under load for a while, and looks at everything that is promised. */
async function failsAndRecovers(outage: Outage, fault: Fault): Promise<void> {
  const { fleet } = outage
  const platform = () => outage.platform()
  await flows(outage)
  const before = { rows: await outage.rowCount(), ms: performance.now() }
  await fault.fail()
  const rowsAtMost = fleet.sentCount()
  await fault.meanwhile?.()
  const from = { acked: fleet.ackedCount(), ms: performance.now() }
  await saysNotReady(outage, fault.says)
  await saysNotReady(outage, /the writer lags: expected at most 1000 ms/)
  await waitFor(
    async () => {
      expect((await platform().api('/health/live')).status).toBe(200)
      return fleet.ackedCount() - from.acked >= SPAN_S * PER_SECOND
    },
    { timeoutMs: TEST_MS, everyMs: 250 },
  )

  const acked = fleet.ackedCount()
  const lag = await outage.lagMessages()
  // What the last snapshot of a killed platform did not know yet is read again.
  const readAgain = fault.meanwhile ? 3 * PER_SECOND : 0
  expect(lag).toBeLessThanOrEqual(fleet.sentCount() - before.rows + readAgain)
  const stored = fault.stillStores ? await outage.rowCount() : rowsAtMost
  expect(lag).toBeGreaterThanOrEqual(acked - stored)
  const lagSeconds = await metricOf(platform(), 'padborg_writer_lag_seconds')
  const failingSeconds = (performance.now() - before.ms) / 1000
  expect(lagSeconds).toBeLessThan(failingSeconds + (fault.meanwhile ? 3 : 1))
  expect(lagSeconds).toBeGreaterThan(fault.stillStores ? 1 : failingSeconds - 1)
  fault.meanwhileHolds?.((performance.now() - from.ms) / 1000)

  await fault.mend()
  await backlogDrains(outage, NOTICED_MS + SPAN_S * 1000)
  await flows(outage)
  await outage.stopLoad()
  expect(await outage.faults()).toEqual([])
  expect(await outage.lagMessages()).toBe(0)
  await outage.startLoad()
  expect(peakMemoryBytes(platform()) / MIB).toBeLessThan(1024)
}

/** Readings arrive, are stored at once, and the platform says that all is well. */
async function flows(outage: Outage): Promise<void> {
  const { fleet } = outage
  const enough = fleet.ackedCount() + PER_SECOND / 2
  await waitFor(
    async () => {
      if (fleet.ackedCount() < enough || (await outage.lagMessages()) > PER_SECOND) return false
      return (await outage.platform().api('/health/ready')).status === 200
    },
    { timeoutMs: NOTICED_MS, what: 'readings are stored and /health/ready answers 200' },
  )
}

async function saysNotReady(outage: Outage, words: RegExp): Promise<void> {
  await waitFor(
    async () => {
      const { status, body } = await outage.platform().api('/health/ready')
      return status === 503 && body.problems.some((text: string) => words.test(text))
    },
    { timeoutMs: NOTICED_MS, everyMs: 50, what: `/health/ready answers 503 with ${words}` },
  )
}

/** Leaves not a block free. */
function fill(path: string, filler: string): void {
  for (const size of [MIB, 64 * 1024, 4096]) {
    const chunk = Buffer.alloc(size, 1)
    const { bavail, bsize } = statfsSync(path)
    try {
      for (let n = Math.ceil((bavail * bsize) / size) + 1; n > 0; n -= 1) {
        writeFileSync(filler, chunk, { flag: 'a' })
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}
