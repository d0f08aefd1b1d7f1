import { request, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PATHS } from '#lib/runtime/network/internal-http.ts'
import { encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import type { LiveBatch, LiveFeed, LiveInterest } from '#lib/telemetry/live.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { RemoteIntake } from '../../../api/intake-client/remote-intake.ts'
import type { Ingest } from '../../../ingest/open-ingest.ts'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { createMemoryPort } from '../../unit/api/memory-port.ts'
import { readingRow } from '../../unit/api/rows.ts'
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

const EVERYTHING: LiveInterest = { readings: ALL, rejections: ALL }
const ONLY_T2: LiveInterest = { readings: { ...ALL, devices: ['acme.t2'] }, rejections: null }

describe('the live feed of an intake elsewhere', () => {
  let dir: ReturnType<typeof temporaryDir>
  let ingest: Ingest
  let served: Served
  let remote: RemoteIntake

  beforeEach(async () => {
    dir = temporaryDir('roles-live')
    ingest = await startIngest(dir.path)
    served = await serve(ingest)
    remote = await reach(served.url, dir.path)
  })
  afterEach(async () => {
    remote.close()
    await served.close()
    await ingest.close()
    dir.remove()
  })

  function listen(interest: LiveInterest) {
    const batches: LiveBatch[] = []
    const subscription = remote.live.join(interest, (batch) => batches.push(batch))
    const seqs = () =>
      batches.flatMap(({ events }) =>
        events.map((event) => (event.type === 'reading' ? event.row.seq : event.row.reason)),
      )
    return { subscription, batches, seqs }
  }

  it('says which journal it is of, and where that stands', async () => {
    expect(remote.live.journal).toBe(ingest.live.journal)
    for (let seq = 1; seq <= 3; seq += 1) await send(ingest, truck(seq))
    await waitFor(() => remote.live.position === 3)
  })

  it('brings what is wanted, with rows as they are in one process', async () => {
    const here = listen(EVERYTHING)
    const there: LiveBatch[] = []
    await ingest.live.join(EVERYTHING, (batch) => there.push(batch)).from
    await here.subscription.from
    await send(ingest, [truck(1), { v: 1, kind: 'truck', ts: 1, data: { speedKmh: 'fast' } }])
    await send(ingest, truck(2))
    await waitFor(() => here.seqs().length === 3)
    expect(here.seqs()).toEqual(['schema', 1, 2])
    expect(here.batches).toStrictEqual(there)
  })

  it('sends nothing without a viewer, and everything from the promised position on', async () => {
    const first = listen(ONLY_T2)
    expect(await first.subscription.from).toBe(0)
    await send(ingest, truck(1))
    await send(ingest, truck(2), 'acme.t2')
    await waitFor(() => first.seqs().length > 0)
    expect(first.seqs()).toEqual([2])
    const second = listen(EVERYTHING)
    const from = await second.subscription.from
    expect(from).toBe(2)
    await send(ingest, truck(3))
    await waitFor(() => second.seqs().length > 0)
    expect(second.seqs()).toEqual([3])
    second.subscription.close()
    first.subscription.close()
    await send(ingest, truck(4))
    await waitFor(() => remote.live.position === 4)
    expect(second.seqs()).toEqual([3])
  })

  it('notifies listeners to read the store after a short break, and continues', async () => {
    const viewer = listen(EVERYTHING)
    await viewer.subscription.from
    await send(ingest, truck(1))
    await waitFor(() => viewer.seqs().length === 1)
    const { port } = served
    await served.close()
    await waitFor(() => remote.problem() !== null)
    await send(ingest, truck(2))
    await waitFor(() => ingest.status().written === 2)
    served = await serve(ingest, { port })
    await waitFor(() => viewer.batches.some(({ dropped }) => dropped > 0))
    expect(viewer.batches.at(-1)).toEqual({ position: 2, events: [], dropped: 1 })
    expect(remote.isLost).toBe(false)
    await send(ingest, truck(3))
    await waitFor(() => viewer.seqs().length === 2)
    expect(viewer.seqs()).toEqual([1, 3])
  })

  it('counts as lost after a longer one, and refuses whoever wants to listen meanwhile', async () => {
    await served.close()
    await waitFor(() => remote.problem() !== null)
    expect(remote.isLost).toBe(false)
    const viewer = listen(EVERYTHING)
    await expect(viewer.subscription.from).rejects.toMatchObject({ code: 'INGEST_UNREACHABLE' })
    await waitFor(() => remote.isLost)
  })
})

describe('an api role that does not read its live stream', () => {
  it('receives the number of missed messages, without the intake storing them', async () => {
    let listener: (batch: LiveBatch) => void = () => {}
    const live: LiveFeed = {
      journal: '00000000-0000-4000-8000-000000000001',
      position: 0,
      join: (_interest, given) => {
        listener = given
        return { from: Promise.resolve(0), close: () => {} }
      },
    }
    const port = createMemoryPort()
    const backups = { begin: () => Promise.reject(new Error('none')) }
    const status = () => port.rows.status
    const served = await serve({ port, live, backups, status })
    const response = await openStream(served.port)
    const first = JSON.parse(String(response.read()).split('\n')[0] ?? '')
    const headers = { authorization: `Bearer ${SECRET}` }
    const path = `${served.url}${PATHS.live}?stream=${first.stream}`
    await fetch(path, { method: 'PUT', headers, body: encodeJson([EVERYTHING]) })

    const row: ReadingRow = readingRow('acme.t1', { fields: { note: 'x'.repeat(100_000) } })
    const place = (position: number) => ({ position, rejection: false, index: 0 })
    const batch = (position: number): LiveBatch => ({
      position,
      events: [{ type: 'reading', place: place(position), row }],
      dropped: 0,
    })
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
    for (let position = 1; position <= 2000; position += 1) listener(batch(position))
    const after = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
    expect(after - before).toBeLessThan(120 * 1024 * 1024)

    let text = ''
    let shown = 0
    response.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const told = await waitFor(() => {
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      const values = lines.map((line) => JSON.parse(line)).filter((line) => 'batch' in line)
      shown += values.filter(({ batch: one }) => one.events.length > 0).length
      return values.find(({ batch: one }) => one.dropped > 0)
    })
    expect(shown).toBeGreaterThan(0)
    expect(told.batch).toEqual({ position: 2000, events: [], dropped: 2000 - shown })
    response.destroy()
    await served.close()
  })
})

/** A live stream that is only read when the test wants it. */
function openStream(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${SECRET}` }
    const asking = request({ port, host: '127.0.0.1', path: PATHS.live, method: 'POST', headers })
    asking.once('error', reject)
    asking.once('response', (response) => response.once('readable', () => resolve(response)))
    asking.end('null')
  })
}
