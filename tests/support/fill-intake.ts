import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClockSample } from '#lib/telemetry/intake.ts'
import { openIngest, type Ingest } from '../../ingest/open-ingest.ts'
import { UNWATCHED, ingestOptionsFor } from './ingest-options.ts'
import type { Arrival } from './simulated-day.ts'
import { waitFor } from './wait-for.ts'

export interface Filling {
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
  readonly arrivals: readonly Arrival[]
  /** Exchanges of clocks that come before the first message. */
  readonly clocks: ReadonlyMap<FullId, ClockSample>
}

/**
 * Gives the intake of a platform that is stopped messages with receive times of the past: over MQTT
 * those would be of the moment of sending. Resolves when everything is stored.
 */
export async function fillIntake({ dataDir, env, arrivals, clocks }: Filling): Promise<void> {
  const failed = Promise.withResolvers<never>()
  const ingest = await openIngest(
    ingestOptionsFor(dataDir, { PADBORG_LOG_LEVEL: 'warn', ...env }),
    { ...UNWATCHED, fatal: failed.reject },
    { clock: systemClock, log: createLog('warn') },
  )
  try {
    for (const [device, sample] of clocks) ingest.intake.clockSample(device, sample)
    await Promise.race([takeAll(ingest, arrivals), failed.promise])
  } finally {
    await ingest.close()
  }
}

async function takeAll(ingest: Ingest, arrivals: readonly Arrival[]): Promise<void> {
  const accepted = arrivals.map((arrival) => accept(ingest, arrival))
  await Promise.all(accepted)
  await waitFor(() => ingest.status().lagMessages === 0, {
    timeoutMs: 240_000,
    what: 'all messages to be stored',
  })
}

function accept({ intake }: Ingest, arrival: Arrival): Promise<void> {
  const { device, topic, payload, receivedAtMs } = arrival
  const message = {
    device,
    topic,
    payload: Buffer.from(payload),
    qos: 1,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: BigInt(Math.round(receivedAtMs * 1000)) * 1000n,
    receivedMonoNs: systemClock.monoNs(),
    origin: null,
  } as const
  return new Promise((resolve, reject) => {
    intake.accept(message, (error) => (error ? reject(error) : resolve()))
  })
}
