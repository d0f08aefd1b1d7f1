import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { QUESTION_SOURCES } from '#lib/telemetry/question-sources.ts'
import type { IngestPort, Questions } from '#lib/telemetry/questions.ts'
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
  const file = { fields: null, maxRows: 100, names: null, path: '' }
  const page = { order: 'asc', limit: 5, cursor: null } as const

  /** One of each; those that change something or make a file have a test of their own. */
  function everyQuestion(): { [K in keyof Questions]?: Questions[K][0] } {
    const figures = { ...span(), by: ['device'] as const, everyNs: HOUR_NS }
    return {
      readings: { ...span(), kind: 'truck', fields: null, ...page },
      since: { scope: ALL, after: { position: 3, index: 0 }, toPosition: 9, limit: 4 },
      readingDevices: { ...span(), kind: 'truck', ...file },
      aggregates: {
        ...span(),
        kind: 'truck',
        fields: null,
        everyNs: HOUR_NS,
        limit: 5,
        cursor: null,
      },
      latency: { ...figures, stages: ['age', 'durable', 'stored'] },
      throughput: figures,
      loss: figures,
      registers: {
        ...span(),
        meters: [{ device: 'acme.t1', limitKw: 1, stepKwh: 1 }],
        cellNs: null,
        lookNs: 0n,
        maxRows: 10,
      },
      heat: { ...span(), boundaries: ['handoff'], by: ['town'], every: null },
      delays: { ...span(), maxRows: 100 },
      availability: { ...span(), maxLatencyNs: HOUR_NS, survivalNs: HOUR_NS },
      jitter: span(),
      lastValues: ALL,
      clocks: ALL,
      delivery: ALL,
      rejections: { ...span(), reasons: null, ...page },
      rejectionGroups: { ...span(), reasons: null, by: ['reason', 'device'] },
      status: null,
    }
  }

  it('answers the conformance of a device, whose rate goes on with the clock', async () => {
    const question = { device: 'acme.t1' }
    const here = await ingest.port.ask('conformance', question)
    const there = await remote.port.ask('conformance', question)
    expect(there.findings).toEqual(here.findings)
    expect(there.findings.map(({ code }) => code)).toContain('schema')
    expect(there.facts).toEqual({ ...here.facts, rate: there.facts.rate })
    expect(there.facts.rate?.messages).toBe(here.facts.rate?.messages)
  })

  it('answers every question as the port in one process does', async () => {
    const questions = everyQuestion()
    const left = Object.keys(QUESTION_SOURCES).filter((name) => !Object.hasOwn(questions, name))
    expect(left).toEqual(['readingsFile', 'conformance', 'replay'])
    for (const name of Object.keys(questions) as (keyof Questions)[]) {
      const question = questions[name]
      if (question === undefined || name === 'registers' || name === 'delays') continue
      const there = await remote.port.ask(name, question)
      expect(there, name).toStrictEqual(await ingest.port.ask(name, question))
    }
    const { data } = await remote.port.ask('readings', questions.readings as never)
    expect(data).toHaveLength(5)
    expect(typeof data[0]?.timeNs).toBe('bigint')
    const rejected = await remote.port.ask('rejections', questions.rejections as never)
    expect(rejected.data.map(({ payload }) => payload.constructor.name)).toEqual([
      'Uint8Array',
      'Uint8Array',
    ])
  })

  it('brings a file of readings, and leaves none behind at the intake', async () => {
    const before = readdirSync(`${dir.path}/export`)
    const made = await remote.port.ask('readingsFile', { ...span(), kind: 'truck', ...file })
    expect(made.rows).toBe(21)
    const bytes = readFileSync(made.path)
    expect(bytes.byteLength).toBe(made.bytes)
    expect(bytes.subarray(0, 4).toString()).toBe('PAR1')
    await waitFor(() => readdirSync(`${dir.path}/export`).length === before.length)
  })

  it('refuses a file as the store does, with code and text', async () => {
    const asked = { ...span(), kind: 'truck', ...file, maxRows: 3 } as const
    const failure = (port: IngestPort) =>
      port.ask('readingsFile', asked).catch((error: unknown) => error)
    const error = await failure(remote.port)
    expect(error).toBeInstanceOf(PlatformError)
    expect(error).toMatchObject({ code: 'EXPORT_TOO_LARGE' })
    expect(String(error)).toBe(String(await failure(ingest.port)))
  })

  it('replays, and brings a whole backup', async () => {
    const replayed = await remote.port.ask('replay', {
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

  it('tells nobody anything but its health without the secret', async () => {
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

  it('answers no question that is none: those of the worker stay inside', async () => {
    for (const name of ['close', 'candidates', 'shown', 'watch', 'freeze', '__proto__', '']) {
      const answer = await fetch(`${served.url}/internal/v1/ask/${name}`, {
        method: 'POST',
        body: 'null',
        headers: { authorization: `Bearer ${SECRET}` },
      })
      expect(answer.status, name).toBe(500)
    }
    expect((await remote.port.ask('status', null)).problems).toEqual([])
  })

  it('says with a wrong secret what to do, and never asks again as if all were well', async () => {
    const stranger = await reach(served.url, dir.path, 'x'.repeat(32))
    expect(stranger.problem()?.code).toBe('INGEST_REFUSED')
    expect(stranger.problem()?.message).toMatch(/same PADBORG_INGEST_SECRET/)
    await expect(stranger.port.ask('status', null)).rejects.toMatchObject({
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
