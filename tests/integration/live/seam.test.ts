import { describe, expect, it } from 'vitest'
import type { Api } from '../../../api/api.ts'
import { Outbox } from '../../../api/live/outbox.ts'
import { startViewer } from '../../../api/live/viewer.ts'
import { createLog } from '#lib/runtime/log.ts'
import { liveId, type LiveBatch, type LiveEvent, type LiveFeed } from '#lib/telemetry/live.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { SinceScan } from '#lib/store/scans.ts'
import { waitFor } from '../../support/wait-for.ts'
import { oneAtATime } from '../../../api/live/missed-events.ts'

/*
 * The seam between rows of the store and the live tail, with every moment chosen: the store and the
 * feed are a few arrays, and the test says what happens while the store is being read.
 */
const JOURNAL = '7f1e6d2a-0000-4000-8000-000000000001'
const NOW_NS = 1_764_000_000_000_000_000n

const row = (position: number): ReadingRow => ({
  timeNs: NOW_NS,
  device: 'acme.t1',
  kind: 'truck',
  channel: 'telemetry',
  seq: position,
  receivedAtNs: NOW_NS,
  claimedTimeNs: null,
  position,
  readingOrdinal: 0,
  flags: [],
  fields: {},
  radio: null,
})
const event = (position: number): LiveEvent => ({
  type: 'reading',
  place: { position, rejection: false, index: 0 },
  row: row(position),
})

/** A viewer that had 2 last, of a platform that has written 5 when it comes back. */
function comeBack(queue: number, whileRead: (publish: (...at: number[]) => void) => void) {
  const platform = { written: 5, asked: 0 }
  let heard: (batch: LiveBatch) => void = () => {}
  const publish = (...positions: number[]) => {
    heard({ position: Math.max(...positions), events: positions.map(event), dropped: 0 })
    platform.written = Math.max(platform.written, ...positions)
  }
  const port = {
    status: async () => ({ durable: 1000 }),
    async since({ after, toPosition }: SinceScan) {
      platform.asked += 1
      whileRead(publish)
      const data: ReadingRow[] = []
      for (let at = after.position + 1; at <= toPosition; at += 1) data.push(row(at))
      return { data, receivedFromNs: NOW_NS }
    },
  }
  const outbox = new Outbox({
    limit: queue,
    opening: '\n',
    dropped: () => {},
    text: {
      event: ({ place }) => `${place.position}\n`,
      silence: () => 'silence\n',
      gap: ({ to }) => `gap to ${to.position}\n`,
      heartbeat: () => '',
    },
  })
  // The part of the API that a viewer works with; the port has only what it calls.
  const live: LiveFeed = {
    journal: JOURNAL,
    get position() {
      return platform.written
    },
    join(_interest, listener) {
      heard = listener
      return { from: Promise.resolve(5), close: () => {} }
    },
  }
  const api = {
    clock: { nowNs: () => NOW_NS, monoNs: () => NOW_NS },
    log: createLog('silent'),
    options: { liveLimits: { queue, horizonMs: 1000 } },
  } as unknown as Api
  startViewer(api, {
    interest: { readings: ALL, rejections: null },
    isShown: () => true,
    mayWatch: () => true,
    outbox,
    live,
    port: oneAtATime(port as unknown as Api['port'])({ tenant: 'acme', key: 'one' }),
    lastId: liveId(JOURNAL, { position: 2, rejection: false, index: 0 }),
    signal: new AbortController().signal,
  })
  let text = ''
  outbox.stream.setEncoding('utf8')
  outbox.stream.on('data', (chunk: string) => (text += chunk))
  const lines = () => text.split('\n').filter((line) => line !== '')
  return { platform, publish, lines, drop: (batch: LiveBatch) => heard(batch) }
}

describe('the seam between the store and the live tail', () => {
  it('shows messages that came while the store was read, and none twice', async () => {
    let isFirst = true
    const { publish, lines } = comeBack(100, (meanwhile) => {
      // A restarted writer publishes again what the store has already.
      if (isFirst) meanwhile(4, 5, 6)
      isFirst = false
    })
    await waitFor(() => lines().length === 4)
    publish(5, 6, 7)
    await waitFor(() => lines().length >= 5)
    expect(lines()).toEqual(['3', '4', '5', '6', '7'])
  })

  it('reads the store again where more came than could be kept', async () => {
    let next = 6
    const { platform, publish, lines } = comeBack(0, (meanwhile) => {
      // Two batches: the first fills what may be kept, the second is too much.
      if (next < 8) for (; next < 8; next += 1) meanwhile(next)
    })
    await waitFor(() => lines().length === 5)
    publish(8)
    await waitFor(() => lines().length >= 6)
    expect(lines()).toEqual(['3', '4', '5', '6', '7', '8'])
    expect(platform.asked).toBe(2)
  })

  it('ends in a gap where the viewer would never catch up', async () => {
    let next = 6
    const { publish, lines } = comeBack(0, (meanwhile) => {
      for (let n = 0; n < 4; n += 1) meanwhile(next++)
    })
    await waitFor(() => lines().length === 4)
    publish(next)
    await waitFor(() => lines().length === 5)
    expect(lines()).toEqual(['3', '4', '5', `gap to ${next - 1}`, String(next)])
  })

  it('reads from the store the messages that did not fit into one batch', async () => {
    const { platform, drop, publish, lines } = comeBack(100, () => {})
    await waitFor(() => lines().length === 3)
    drop({ position: 9, events: [event(9)], dropped: 3 })
    platform.written = 9
    await waitFor(() => lines().length >= 7)
    publish(10)
    await waitFor(() => lines().length === 8)
    expect(lines()).toEqual(['3', '4', '5', '6', '7', '8', '9', '10'])
  })
})
