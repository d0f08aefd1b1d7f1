import type {
  AggregatedReading,
  Delivery,
  Device,
  Heat,
  Latency,
  List,
  Reading,
  Rejection,
  Series,
  Session,
  Site,
  Throughput,
} from './answers.ts'
import { createApiClient, type ApiClient, type Outcome, type Parameters } from './api-client.ts'
import { createCell, type Cell } from './cell.ts'
import { createPlatformClock, type PlatformClock } from './clock.ts'
import { followEvents, type StreamEvent } from './event-stream.ts'
import { loadFeatures, NO_FEATURES, type Features } from './features.ts'
import { createLastValues, type LastValues } from './last-values.ts'
import { createMessageRate, type MessageRate } from './message-rate.ts'
import { createPoll, type Poll } from './poll.ts'
import { DAY_MS, isoOf, SPAN_MS, startOfDayMs, type SpanName } from './spans.ts'
import { trailPoints, type Point } from './trails.ts'

const HEAT_SPANS = ['today', '7d', '30d'] as const
export type HeatSpan = (typeof HEAT_SPANS)[number]
export type HeatBoundary = 'delivered' | 'handoff'
type HeatPolls = Readonly<Record<HeatSpan, Poll<Series<Heat>>>>

export interface Polls {
  readonly lastValues: Poll<List<Reading>>
  readonly delivery: Poll<List<Delivery>>
  readonly devices: Poll<List<Device>>
  readonly sites: Poll<List<Site>>
  readonly throughput: Poll<Series<Throughput>>
  readonly latencyByRat: Readonly<Record<SpanName, Poll<Series<Latency>>>>
  readonly latencyByDevice: Poll<Series<Latency>>
  readonly rejections: Poll<List<Rejection>>
  readonly heat: Readonly<Record<HeatBoundary, HeatPolls>>
  readonly meterHours: Poll<List<AggregatedReading>>
  readonly trails: Poll<readonly Point[]>
}

/** What of the platform the page may ask; null while that is not known. */
export type Opening = 'open' | 'missing' | 'hidden'

/** All that the pages read, composed once. */
export interface Portal {
  readonly client: ApiClient
  readonly clock: PlatformClock
  readonly session: Cell<Session | null>
  readonly isReached: Cell<boolean>
  readonly features: Cell<Features>
  readonly transport: Cell<'stream' | 'poll'>
  readonly lastValues: LastValues
  readonly rate: Cell<MessageRate | null>
  readonly polls: Polls
  opening(path: string): Opening
  begin(session: Session): void
  end(): void
}

const LIST_LIMIT = 10_000
const TICK_MS = 500
const REJECTIONS_SHOWN = 30

export function createPortal(): Portal {
  const clock = createPlatformClock()
  const session = createCell<Session | null>(null)
  const isReached = createCell(true)
  const features = createCell<Features>(NO_FEATURES)
  const transport = createCell<'stream' | 'poll'>('poll')
  const rate = createCell<MessageRate | null>(null)
  const lastValues = createLastValues()
  const counting = createMessageRate()
  const client = createApiClient(clock, {
    reached: (is) => isReached.set(is),
    signedOut: () => portal.end(),
  })
  const polls = createPolls(client, clock, {
    values: (rows) => lastValues.replace(rows),
    delivery: (rows) => rate.set(counting.add(rows, clock.nowMs())),
  })
  let stop: (() => void) | null = null

  const portal: Portal = {
    client,
    clock,
    session,
    isReached,
    features,
    transport,
    lastValues,
    rate,
    polls,
    opening: (path) => features.get().of(path, session.get()?.role ?? ''),
    begin(signedIn) {
      portal.end()
      session.set(signedIn)
      stop = keepUp(portal)
    },
    end() {
      stop?.()
      stop = null
      session.set(null)
      lastValues.clear()
      counting.clear()
      rate.set(null)
    },
  }
  return portal
}

/** Learns what the platform can, then follows its events. Returns how to end it. */
function keepUp(portal: Portal): () => void {
  const ticker = setInterval(() => portal.lastValues.flush(), TICK_MS)
  let stopEvents: (() => void) | null = null
  let ended = false
  void begin()
  return () => {
    ended = true
    clearInterval(ticker)
    stopEvents?.()
  }

  async function begin(): Promise<void> {
    const found = await loadFeatures()
    if (ended) return
    if (!found) {
      setTimeout(() => void (ended || begin()), TICK_MS * 4)
      return
    }
    portal.features.set(found)
    if (portal.opening('/live') !== 'open') return
    stopEvents = followEvents(portal.client, '/live', {
      event: (event) => takeEvent(portal, event),
      flowing: (isFlowing) => portal.transport.set(isFlowing ? 'stream' : 'poll'),
    })
  }
}

function takeEvent({ lastValues, polls }: Portal, { event, data }: StreamEvent): void {
  // Events carry readings and rejections in the shapes of the lists.
  if (event === 'reading') lastValues.take(JSON.parse(data) as Reading)
  if (event === 'rejection') polls.rejections.refresh()
  // Something was left out: what is on the screen is asked for anew.
  if (event === 'gap') polls.lastValues.refresh()
}

interface Taken {
  values(rows: readonly Reading[]): void
  delivery(rows: readonly Delivery[]): void
}

const S = 1000

function createPolls(client: ApiClient, clock: PlatformClock, taken: Taken): Polls {
  const poll = <T>(path: string, parameters: () => Parameters, everyMs: number) =>
    createPoll(() => client.get<T>(path, parameters()), everyMs)
  const since = (ms: number) => isoOf(clock.nowMs() - ms)
  const whole = () => ({ limit: LIST_LIMIT })
  const byRat = (span: SpanName) =>
    poll<Series<Latency>>(
      '/kpi/latency',
      () => ({ by: 'rat', from: since(SPAN_MS[span]), stage: 'rtt,uplink,age' }),
      10 * S,
    )
  const heat = (boundary: HeatBoundary, by: string): HeatPolls => {
    const of = (fromMs: () => number, everyMs: number) =>
      poll<Series<Heat>>(
        '/heat/recovered',
        () => ({ boundary, by, from: isoOf(fromMs()) }),
        everyMs,
      )
    return {
      today: of(() => startOfDayMs(clock.nowMs()), 20 * S),
      '7d': of(() => clock.nowMs() - 7 * DAY_MS, 60 * S),
      '30d': of(() => clock.nowMs() - 30 * DAY_MS, 120 * S),
    }
  }
  return {
    lastValues: createPoll(
      async () =>
        told(await client.get<List<Reading>>('/last-values', whole()), (rows) =>
          taken.values(rows),
        ),
      5 * S,
    ),
    delivery: createPoll(
      async () =>
        told(await client.get<List<Delivery>>('/delivery', whole()), (rows) =>
          taken.delivery(rows),
        ),
      3 * S,
    ),
    devices: poll('/devices', whole, 60 * S),
    sites: poll('/sites', whole, 120 * S),
    throughput: poll(
      '/kpi/throughput',
      () => ({ every: '1m', from: since(2 * SPAN_MS['1h']), limit: LIST_LIMIT }),
      10 * S,
    ),
    latencyByRat: { '15m': byRat('15m'), '1h': byRat('1h'), '24h': byRat('24h') },
    latencyByDevice: poll(
      '/kpi/latency',
      () => ({
        by: 'device',
        from: since(SPAN_MS['15m']),
        // Spans are of device time: readings of a clock that is ahead lie after now.
        to: since(-SPAN_MS['1h']),
        stage: 'uplink,age',
        limit: LIST_LIMIT,
      }),
      10 * S,
    ),
    rejections: poll('/rejections', () => ({ order: 'desc', limit: REJECTIONS_SHOWN }), 5 * S),
    heat: {
      delivered: heat('delivered', 'town'),
      handoff: heat('handoff', 'data_centre'),
    },
    meterHours: poll(
      '/readings',
      () => ({
        kind: 'heat_meter',
        every: '1h',
        fields: 'energyKwh,meterId',
        from: since(7 * DAY_MS),
        limit: LIST_LIMIT,
      }),
      120 * S,
    ),
    trails: createPoll(
      async () =>
        trailPoints(
          await client.get<List<AggregatedReading>>('/readings', {
            kind: 'truck',
            every: '1m',
            fields: 'lat,lon',
            from: since(2 * SPAN_MS['1h']),
            limit: LIST_LIMIT,
          }),
        ),
      60 * S,
    ),
  }
}

function told<T>(outcome: Outcome<List<T>>, tell: (rows: readonly T[]) => void): Outcome<List<T>> {
  if (outcome.ok) tell(outcome.value.data)
  return outcome
}
