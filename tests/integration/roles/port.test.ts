import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import type { RemoteIntake } from '../../../api/intake-client/remote-intake.ts'
import type { Ingest } from '../../../ingest/open-ingest.ts'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import {
  ALL,
  SECRET,
  reach,
  send,
  serve,
  startIngest,
  truck,
  type Served,
} from './roles-support.ts'
import { queryRows } from '../../support/query-rows.ts'
import { QUERY_NAMES, type QueryName, type QueryOf } from '#lib/queries/catalogue.ts'

const HOUR_NS = 3_600_000_000_000n

describe('the port of the ingest role over HTTP', () => {
  let dir: ReturnType<typeof temporaryDir>
  let ingest: Ingest
  let served: Served
  let remote: RemoteIntake

  beforeAll(async () => {
    dir = temporaryDir('roles-port')
    ingest = await startIngest(dir.path)
    served = await serve(ingest)
    remote = await reach(served.url, dir.path)
    for (let seq = 1; seq <= 20; seq += 1) await send(ingest, truck(seq))
    await send(ingest, truck(1), 'acme.t2')
    await send(ingest, { v: 1, kind: 'truck', ts: Date.now(), seq: 2, data: { speedKmh: 'fast' } })
    await send(ingest, Buffer.from([0, 255, 254]).toString('latin1'))
    await waitFor(() => ingest.status().lagMessages === 0)
  })
  afterAll(async () => {
    remote.close()
    await served.close()
    await ingest.close()
    dir.remove()
  })

  const span = () => {
    const nowNs = BigInt(Date.now()) * 1_000_000n
    return { scope: ALL, fromNs: nowNs - HOUR_NS, toNs: nowNs + HOUR_NS }
  }
  const file = { fields: null, maxRows: 100, names: null, channelSalt: null, path: '' }
  const page = { order: 'asc', limit: 5, cursor: null } as const

  /** Of the queries that take more than a span. */
  function queriesOf(): { [N in QueryName]?: QueryOf<N> } {
    const figures = { ...span(), by: ['device'] as const, everyNs: HOUR_NS }
    return {
      readings: {
        ...span(),
        kind: 'truck',
        fields: [],
        hasFields: false,
        rats: null,
        everyNs: null,
        ...page,
      },
      latency: { ...figures, stages: ['age', 'durable', 'stored'] },
      throughput: figures,
      loss: figures,
      recoveredHeat: { ...span(), boundaries: ['handoff'], by: ['town'], every: null },
      availability: { ...span(), maxLatencyMs: 3000, survivalMs: 0 },
      lastValues: { scope: ALL },
      delivery: { scope: ALL },
      rejections: { ...span(), reasons: null, ...page },
      rejectionGroups: { ...span(), reasons: null, by: ['reason', 'device'] },
    }
  }

  it('returns the conformance of a device, whose rate follows the clock', async () => {
    const query = { scope: ALL, device: 'acme.t1' }
    const [here] = await queryRows(ingest.port, 'conformance', query)
    const [there] = await queryRows(remote.port, 'conformance', query)
    expect(there?.findings).toEqual(here?.findings)
    expect(there?.findings.map(({ code }) => code)).toContain('schema')
    expect(there?.facts).toEqual({ ...here?.facts, rate: there?.facts.rate })
    expect(there?.facts.rate?.messages).toBe(here?.facts.rate?.messages)
  })

  it('returns the same rows for every query as the port in one process does', async () => {
    const queries = queriesOf()
    // The rate in the conformance of a device follows the clock: the test above.
    for (const name of QUERY_NAMES.filter((each) => each !== 'conformance')) {
      const query = (queries[name] ?? span()) as never
      const there = await remote.port.query(name, query)
      expect(there, name).toStrictEqual(await ingest.port.query(name, query))
    }
    const rows = await queryRows(remote.port, 'readings', queries.readings as never)
    expect(rows).toHaveLength(5)
    expect(typeof rows[0]?.time).toBe('bigint')
    const rejected = await queryRows(remote.port, 'rejections', queries.rejections as never)
    const payloads = rejected.map(({ payloadBase64 }) => payloadBase64.constructor.name)
    expect(payloads).toEqual(['Uint8Array', 'Uint8Array'])
  })

  it('returns what was stored since a place, and whose readings there are', async () => {
    const since = { scope: ALL, after: { position: 3, readingOrdinal: 0 }, toPosition: 9, limit: 4 }
    expect(await remote.port.since(since)).toStrictEqual(await ingest.port.since(since))
    const scan = { ...span(), kind: 'truck', ...file } as const
    const devices = await remote.port.readingDevices(scan)
    expect(devices).toContain('acme.t1')
    expect(devices).toStrictEqual(await ingest.port.readingDevices(scan))
    expect(await remote.port.status()).toMatchObject({ journal: ingest.journal.id })
  })

  it('brings a file of readings, and leaves none behind at the intake', async () => {
    const before = readdirSync(`${dir.path}/export`)
    const made = await remote.port.readingsFile({ ...span(), kind: 'truck', ...file })
    expect(made.rows).toBe(21)
    const bytes = readFileSync(made.path)
    expect(bytes.byteLength).toBe(made.bytes)
    expect(bytes.subarray(0, 4).toString()).toBe('PAR1')
    await waitFor(() => readdirSync(`${dir.path}/export`).length === before.length)
  })

  it('refuses a file as the store does, with code and text', async () => {
    const asked = { ...span(), kind: 'truck', ...file, maxRows: 3 } as const
    const failure = (port: IngestPort) => port.readingsFile(asked).catch((error: unknown) => error)
    const error = await failure(remote.port)
    expect(error).toBeInstanceOf(PlatformError)
    expect(error).toMatchObject({ code: 'EXPORT_TOO_LARGE' })
    expect(String(error)).toBe(String(await failure(ingest.port)))
  })

  it('replays, and brings a whole backup', async () => {
    const replayed = await remote.port.replay({
      scope: ALL,
      ids: null,
      reasons: ['schema'],
      positions: null,
    })
    expect(replayed).toEqual({ recovered: 0, again: 1, duplicate: 0 })
    let bytes = 0
    let names = ''
    for await (const chunk of (await remote.backups.begin()) as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      names += chunk.toString('latin1')
    }
    expect(bytes % 512).toBe(0)
    for (const name of ['ingest.db', 'registry.db', 'journal/']) expect(names).toContain(name)
  })

  it('shows nothing but its health without the secret', async () => {
    const paths = ['ask/status', 'ask/lastValues', 'live', 'backup', 'readings-file', 'nothing']
    for (const secret of [null, 'wrong', SECRET.slice(1), `${SECRET}x`, '']) {
      for (const path of paths) {
        const answer = await fetch(`${served.url}/internal/v1/${path}`, {
          method: 'POST',
          body: 'null',
          headers: secret === null ? {} : { authorization: `Bearer ${secret}` },
        })
        expect(answer.status, `${path} ${secret}`).toBe(401)
        expect(await answer.text()).not.toContain('acme')
      }
    }
    const ready = await fetch(`${served.url}/health/ready`)
    expect(await ready.json()).toMatchObject({ ready: true, problems: [] })
    expect(await (await fetch(`${served.url}/health/live`)).json()).toEqual({ live: true })
    const metrics = await (await fetch(`${served.url}/metrics`)).text()
    expect(metrics).toMatch(/padborg_internal_requests_total\{status="401"\} \d+/)
  })

  it('refuses a call that is none: those of the worker stay inside', async () => {
    for (const name of ['close', 'candidates', 'shown', 'watch', 'freeze', '__proto__', '']) {
      const answer = await fetch(`${served.url}/internal/v1/ask/${name}`, {
        method: 'POST',
        body: 'null',
        headers: { authorization: `Bearer ${SECRET}` },
      })
      expect(answer.status, name).toBe(500)
    }
    expect((await remote.port.status()).problems).toEqual([])
  })

  it('says that a body is not what it can read: the fault of the sender', async () => {
    for (const body of ['', '{', 'no json', '{"$bigint":"x"}']) {
      const response = await fetch(`${served.url}/internal/v1/ask/status`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${SECRET}` },
      })
      expect(response.status, body).toBe(400)
    }
  })

  it('reports how to fix a wrong secret, and does not simply retry', async () => {
    const stranger = await reach(served.url, dir.path, 'x'.repeat(32))
    expect(stranger.problem()?.code).toBe('INGEST_REFUSED')
    expect(stranger.problem()?.message).toMatch(/same PADBORG_INGEST_SECRET/)
    await expect(stranger.port.status()).rejects.toMatchObject({
      code: 'INGEST_REFUSED',
    })
    stranger.close()
  })

  it('says of a port where no intake is that none answers', async () => {
    const other = await serve(ingest)
    await other.close()
    const nobody = await reach(other.url, dir.path)
    expect(nobody.problem()?.code).toBe('INGEST_UNREACHABLE')
    expect(nobody.problem()?.message).toContain(other.url)
    nobody.close()
    expect(existsSync(dir.path)).toBe(true)
  })
})
