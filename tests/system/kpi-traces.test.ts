import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settledDelivery } from '../support/fleet.ts'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

/*
 * Round trips recorded from a car over 5G (docs/domain.md 5.3), published as a probe would, with
 * some of its messages lost. The figures of the API are compared with ones computed here, straight
 * from the definitions of docs/domain.md 5.1 and the rows of the file.
 */
const TRACES = new URL('../../../shared/traces/', import.meta.url)
const present = existsSync(TRACES)
// One name even where there is no file, so that the tests show as skipped.
const FILES = present
  ? readdirSync(TRACES).filter((name) => /^cicv5g_.*\.csv$/.test(name))
  : ['cicv5g']
if (!present) {
  process.stderr.write('the figures of traces are skipped: ../shared/traces is not there\n')
}

interface Trip {
  readonly seq: number
  readonly sentMs: number
  readonly rttMs: number
}

/** A message of the service: where it never came, its time of reception is null. */
interface Message {
  readonly sentMs: number
  readonly receivedMs: number | null
}

describe.skipIf(!present)('figures of recorded traces', () => {
  const dir = temporaryDir('kpi-traces')
  let platform: Platform

  beforeAll(async () => {
    // A recording is published at once, long after most of it was measured: none of it is late.
    platform = await startPlatform({
      dataDir: dir.path,
      env: { PADBORG_LATE_SECONDS: '86400' },
    })
  })
  afterAll(async () => {
    await platform.stop()
    dir.remove()
  })

  it.each(FILES)('of %s are those of the file', async (file) => {
    const all = readTrips(file)
    const came = all.filter(({ seq }) => seq === 1 || seq === all.length || !isLost(seq))
    const { device, span } = await publish(file, came)
    const ask = async (path: string) => {
      const { status, body } = await platform.api(`/kpi/${path}device=${device}&${span}`)
      expect(status, JSON.stringify(body)).toBe(200)
      expect(body.data).toHaveLength(1)
      return body.data[0]
    }
    const rtts = came.map(({ rttMs }) => rttMs)

    expect(await ask('latency?by=device&stage=rtt&')).toMatchObject({
      stage: 'rtt',
      method: 'exact',
      n: came.length,
      p50Ms: expect.closeTo(quantile(rtts, 0.5), 9),
      p95Ms: expect.closeTo(quantile(rtts, 0.95), 9),
      p99Ms: expect.closeTo(quantile(rtts, 0.99), 9),
      maxMs: Math.max(...rtts),
    })
    expect(await ask('jitter?')).toMatchObject({ stage: 'rtt', ...variationOf(came) })
    const lost = all.length - came.length
    expect(lost).toBeGreaterThan(10)
    expect(await ask('loss?by=device&')).toMatchObject({
      expected: all.length,
      received: came.length,
      lost,
      lossRatio: lost / all.length,
      restarts: 0,
    })

    const messages = withLost(came)
    for (const [limit, survival] of LIMITS) {
      const late = came.filter(({ rttMs }) => rttMs > limit).length
      const downMs = downOf(messages, limit, survival)
      const observedMs = (came.at(-1)?.sentMs ?? 0) + limit - (came[0]?.sentMs ?? 0)
      const row = await ask(`availability?maxLatencyMs=${limit}&survivalMs=${survival}&`)
      expect(row).toMatchObject({
        method: 'rtt',
        observedMs: expect.closeTo(observedMs, 6),
        downMs: expect.closeTo(downMs, 3),
        availability: expect.closeTo(1 - downMs / observedMs, 9),
        n: all.length,
        late,
        lost,
        failures: late + lost,
        reliability: expect.closeTo(1 - (late + lost) / all.length, 12),
      })
      expect(row.reliabilityLower95).toBeLessThan(row.reliability)
    }
  })

  async function publish(file: string, trips: readonly Trip[]) {
    const id = file.replace('.csv', '').replaceAll('_', '-')
    const { topic, username, password } = await addDevice(platform, {
      tenant: 'lab',
      id,
      kind: 'probe',
    })
    const shift = Date.now() - (trips.at(-1)?.sentMs ?? 0)
    const client = await platform.mqtt({ username, password })
    await Promise.all(
      trips.map(({ seq, sentMs, rttMs }) => {
        const message = { v: 1, kind: 'probe', ts: sentMs + shift, seq, data: { rttMs } }
        return client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
      }),
    )
    await client.endAsync()
    await settledDelivery(platform)
    const from = new Date((trips[0]?.sentMs ?? 0) + shift).toISOString()
    const to = new Date((trips.at(-1)?.sentMs ?? 0) + shift + 1).toISOString()
    return { device: `lab.${id}`, span: `from=${from}&to=${to}` }
  }
})

const LIMITS = [
  [30, 0],
  [30, 55],
  [100, 200],
  [3000, 0],
] as const

/** Single messages, and here and there three in a row. */
function isLost(seq: number): boolean {
  return seq % 97 === 0 || [0, 1, 2].includes(seq % 211)
}

function readTrips(name: string): Trip[] {
  const lines = readFileSync(new URL(name, TRACES), 'utf8').trim().split('\n').slice(1)
  return lines.map((line, at) => {
    const [sent, received] = line.split(',')
    return { seq: at + 1, sentMs: Number(sent), rttMs: Number(received) - Number(sent) }
  })
}

/** Percentile of type 7 after its definition: h = (n - 1) p, between the two around it. */
function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const h = (sorted.length - 1) * p
  const [low = NaN, high = NaN] = [sorted[Math.floor(h)], sorted[Math.ceil(h)]]
  return low + (high - low) * (h - Math.floor(h))
}

function variationOf(trips: readonly Trip[]) {
  const rtts = trips.map(({ rttMs }) => rttMs)
  const least = Math.min(...rtts)
  const steps: number[] = []
  let jitter = 0
  for (const [at, { seq, rttMs }] of trips.entries()) {
    const before = trips[at - 1]
    if (!before) continue
    const step = Math.abs(rttMs - before.rttMs)
    jitter += (step - jitter) / 16
    // Across a lost message there is no step between consecutive ones (RFC 3393).
    if (seq === before.seq + 1) steps.push(step)
  }
  return {
    n: trips.length,
    ipdvN: steps.length,
    ipdvMeanMs: expect.closeTo(steps.reduce((sum, step) => sum + step, 0) / steps.length, 9),
    ipdvP95Ms: expect.closeTo(quantile(steps, 0.95), 9),
    pdvP95Ms: expect.closeTo(quantile(rtts, 0.95) - least, 9),
    pdvP999Ms: expect.closeTo(quantile(rtts, 0.999) - least, 9),
    jitterMs: expect.closeTo(jitter, 9),
  }
}

/** Lost messages count as sent evenly between their neighbours. */
function withLost(trips: readonly Trip[]): Message[] {
  return trips.flatMap((trip, at) => {
    const before = trips[at - 1] ?? { ...trip, seq: trip.seq - 1 }
    const steps = trip.seq - before.seq
    const lost = Array.from({ length: steps - 1 }, (_, nth) => ({
      sentMs: before.sentMs + ((nth + 1) * (trip.sentMs - before.sentMs)) / steps,
      receivedMs: null,
    }))
    return [...lost, { sentMs: trip.sentMs, receivedMs: trip.sentMs + trip.rttMs }]
  })
}

/** Each run of late and lost messages by itself: from its first to the next message in time. */
function downOf(messages: readonly Message[], limit: number, survival: number): number {
  const isBad = ({ sentMs, receivedMs }: Message) =>
    receivedMs === null || receivedMs - sentMs > limit
  const endMs = (messages.at(-1)?.sentMs ?? 0) + limit
  return messages.reduce((sum, message, at) => {
    const before = messages[at - 1]
    if (!isBad(message) || (before && isBad(before))) return sum
    const next = messages.slice(at).find((later) => !isBad(later))
    return sum + Math.max(0, (next?.receivedMs ?? endMs) - (message.sentMs + limit + survival))
  }, 0)
}
