import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { Registry } from '#lib/registry/registry.ts'
import { createApp } from '../../../api/app.ts'
import { mergedPort } from '../../../api/intake-client/merged-port.ts'
import type { RemoteIntake } from '../../../api/intake-client/remote-intake.ts'
import type { Ingest } from '../../../ingest/open-ingest.ts'
import { appOptionsFor } from '../../support/app-options.ts'
import { ADMIN_KEY, temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { watch, type LiveStream } from '../../support/live-stream.ts'
import { reach, send, serve, startIngest, truck, type Served } from './roles-support.ts'
import { FORMAT_LIST } from '../../../ingest/formats/catalogue.ts'

/** Two intakes, each with a journal and (here) a store of its own, and an API over both. */
describe('an API over two intakes', () => {
  let dir: ReturnType<typeof temporaryDir>
  let ingests: Ingest[]
  let served: Served[]
  let remotes: RemoteIntake[]
  let registry: Registry
  let app: FastifyInstance
  let http: number
  const streams: LiveStream[] = []

  beforeEach(async () => {
    dir = temporaryDir('roles-two')
    const dirs = ['one', 'two'].map((name) => join(dir.path, name))
    ingests = await Promise.all(dirs.map(startIngest))
    served = await Promise.all(ingests.map((ingest) => serve(ingest)))
    remotes = await Promise.all(served.map(({ url }) => reach(url, dir.path)))
    const log = createLog('silent')
    const path = join(dir.path, 'one', 'registry.db')
    registry = openRegistry({
      path,
      clock: systemClock,
      log,
      credentialOverlapHours: 1,
      formats: FORMAT_LIST,
    })
    registry.keys.ensure(ADMIN_KEY, { role: 'admin', tenant: null, name: 'admin' })
    const deps = { registry, metrics: createMetrics(), clock: systemClock, log }
    const options = appOptionsFor({
      liveLimits: {
        viewers: 9,
        viewersPerTenant: 9,
        viewersPerKey: 9,
        queue: 100,
        horizonMs: 60_000,
        heartbeatMs: 100,
      },
    })
    app = await createApp({ ...deps, port: mergedPort(remotes), intakes: remotes }, options)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const address = app.server.address()
    http = typeof address === 'object' && address ? address.port : 0
  })
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.cut()
    for (const remote of remotes) remote.close()
    await app.close()
    registry.close()
    await Promise.all(served.map((one) => one.close()))
    await Promise.all(ingests.map((ingest) => ingest.close()))
    dir.remove()
  })

  async function see(lastId = ''): Promise<LiveStream> {
    const stream = await watch({ ready: { http } }, { lastId })
    streams.push(stream)
    return stream
  }
  const journals = () => ingests.map(({ live }) => live.journal)
  const shown = ({ events }: LiveStream) =>
    events.map(({ event, data }) => (event === 'gap' ? 'gap' : data.seq))
  const hasBoth = (id: string) => journals().every((journal) => id.includes(`${journal}:`))
  const at = (index: number) => {
    const ingest = ingests[index]
    if (!ingest) throw new Error('there are two intakes')
    return ingest
  }
  async function ask(path: string) {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const response = await fetch(`http://127.0.0.1:${http}${path}`, { headers })
    // Tests say what they expect of it.
    // oxlint-disable-next-line typescript/no-explicit-any
    const body: any = await response.json()
    return { status: response.status, body }
  }

  it('shows the events of both, each with its place first and the place in the other behind', async () => {
    const stream = await see()
    await waitFor(() => hasBoth(stream.lastId()))
    await send(at(0), truck(1))
    await waitFor(() => shown(stream).length === 1)
    await send(at(1), truck(2))
    await waitFor(() => shown(stream).length === 2)
    expect(shown(stream)).toEqual([1, 2])
    const [a, b] = journals()
    expect(stream.events[0]?.id).toMatch(new RegExp(`^${a}:1\\.0,${b}:\\d+\\.\\d+$`))
    // A heartbeat may stand between them: it says that the first message is over.
    expect(stream.events[1]?.id).toMatch(new RegExp(`^${b}:1\\.0,${a}:1\\.(0|999999999)$`))
  })

  it('resumes both without a gap behind the last id of either', async () => {
    const first = await see()
    await waitFor(() => hasBoth(first.lastId()))
    for (const ingest of ingests) await send(ingest, truck(1))
    await waitFor(() => shown(first).length === 2)
    const lastId = first.events.at(-1)?.id ?? ''
    first.cut()
    await send(at(0), truck(2))
    await send(at(1), truck(3))
    await send(at(1), truck(4))
    const again = await see(lastId)
    await waitFor(() => shown(again).length === 3)
    await send(at(0), truck(5))
    await waitFor(() => shown(again).length === 4)
    expect(shown(again).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5])
  })

  it('tells by a gap of the intake that the last id says nothing of', async () => {
    await send(at(0), truck(1))
    await send(at(1), truck(2))
    await waitFor(() => remotes.every(({ live }) => live.position === 1))
    const [a, b] = journals()
    const stream = await see(`${a}:0.0`)
    await waitFor(() => shown(stream).length === 2)
    expect(new Set(shown(stream))).toEqual(new Set([1, 'gap']))
    const gap = stream.events.find(({ event }) => event === 'gap')
    expect(gap?.data).toMatchObject({ from: null, dropped: null })
    expect(gap?.data.to).toContain(`${b}:1.`)
  })

  it('adds up, and answers 503 as soon as one is away, with which one at /health/ready', async () => {
    await send(at(0), truck(1))
    await send(at(1), truck(2))
    await waitFor(async () => {
      const { body } = await ask('/api/v1/delivery')
      return body.data[0]?.stored === 2
    })
    const sum = (await ask('/api/v1/delivery')).body.data[0]
    expect(sum).toMatchObject({ device: 'acme.t1', accepted: 2, pending: 0, lost: null })
    expect((await ask('/health/ready')).body.intakes).toHaveLength(2)
    const stream = await see()
    await waitFor(() => hasBoth(stream.lastId()))
    await served[1]?.close()
    await waitFor(() => remotes[1]?.problem())
    expect((await ask('/api/v1/delivery')).status).toBe(503)
    expect((await ask('/api/v1/live')).status).toBe(503)
    const ready = await ask('/health/ready')
    expect(ready.status).toBe(503)
    expect(ready.body.problems).toEqual([
      `the intake ${served[1]?.url} does not answer (INGEST_UNREACHABLE)`,
    ])
    const [well, away] = ready.body.intakes
    expect([well.problems.length, away.problems.length]).toEqual([0, 1])
    // What the store knows is answered by the other one.
    expect((await ask('/api/v1/readings?kind=truck')).status).toBe(200)
    await waitFor(() => stream.ended())
  })
})
