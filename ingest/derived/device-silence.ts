import type { FullId } from '#lib/telemetry/ids.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import type { Point } from '#lib/store/influx/write/line.ts'
import { startOf, type Context, type DerivedSeries } from './series.ts'

/**
 * How long each device has sent nothing, for alerts. A message counts whatever became of it: one
 * that is rejected, or whose clock is wrong, shows in the counters alone, so they are watched too.
 */
export const deviceSilence: DerivedSeries = {
  measurement: 'device_silence',
  keep: 'minute',
  sample: { everyMs: 60_000, create: createSilence },
}

interface Heard {
  readonly accepted: number
  readonly atNs: bigint
}

function createSilence() {
  let heard = new Map<FullId, Heard>()

  return async (nowNs: bigint, { rows, devices, ownTags }: Context): Promise<readonly Point[]> => {
    const lastNs = new Map<FullId, bigint>()
    for (const { device, receivedAt } of await rows('lastValues', { scope: ALL })) {
      if (receivedAt > (lastNs.get(device) ?? 0n)) lastNs.set(device, receivedAt)
    }
    const now = new Map<FullId, Heard>()
    for (const { device, accepted } of await rows('delivery', { scope: ALL })) {
      const before = heard.get(device)
      const isNew = before !== undefined && accepted > before.accepted
      now.set(device, { accepted, atNs: isNew ? nowNs : (before?.atNs ?? 0n) })
    }
    heard = now
    return devices()
      .filter(({ gateway }) => !gateway)
      .map(({ id, tenant, kind, createdAt }) => {
        // A device that was never heard has been silent since it was registered.
        const sinceNs = larger(lastNs.get(id), heard.get(id)?.atNs) ?? instantOf(createdAt)
        return {
          measurement: deviceSilence.measurement,
          tags: { tenant, device: id, kind, ...ownTags },
          fields: { silentSeconds: Math.max(0, Number(nowNs - sinceNs) / 1e9) },
          timeNs: startOf(nowNs, 'minute'),
        }
      })
  }
}

function larger(a: bigint | undefined, b: bigint | undefined): bigint | null {
  const most = (a ?? 0n) > (b ?? 0n) ? (a ?? 0n) : (b ?? 0n)
  return most === 0n ? null : most
}

function instantOf(text: string): bigint {
  return Temporal.Instant.from(text).epochNanoseconds
}
