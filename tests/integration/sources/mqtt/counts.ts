import { waitFor } from '../../../support/wait-for.ts'
import type { CountingProxy } from './counting-proxy.ts'
import { keyOf, type Publishers } from './publishers.ts'

/** The same messages as each side counts them, by `<device> <seq>`. */
export interface Counts {
  /** What we did wrong; empty when nothing. */
  readonly faults: readonly string[]
  /** Acknowledged by the broker to the devices, and never delivered to us: its loss. */
  readonly lostByBroker: number
  /** Messages that came with the DUP flag. */
  readonly repeated: number
  readonly line: string
}

export function countAll(
  { acked, sent }: Publishers,
  proxies: readonly CountingProxy[],
  rows: readonly string[],
): Counts {
  const delivered = new Set(proxies.flatMap((proxy) => proxy.delivered.map(keyOf)))
  const acknowledged = new Set(proxies.flatMap((proxy) => proxy.acknowledged.map(keyOf)))
  const stored = new Set(rows)
  const repeated = proxies.reduce((sum, proxy) => sum + proxy.repeated(), 0)
  const lostByBroker = without(acked, delivered).length
  return {
    faults: [
      ...fault('acknowledged by us and not stored', without(acknowledged, stored)),
      // Killed between delivery and acknowledgement: the kept session brings it again.
      ...fault('delivered and in the end not stored', without(delivered, stored)),
      ...fault('stored and never sent', without(stored, sent)),
      ...fault('stored twice', rows.length > stored.size ? twice(rows) : []),
    ],
    lostByBroker,
    repeated,
    line:
      `published ${acked.size}, delivered ${delivered.size} (repeated ${repeated}), acknowledged by ` +
      `us ${acknowledged.size}, stored ${stored.size}, lost by the broker ${lostByBroker}`,
  }
}

function without(some: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  return [...some].filter((key) => !others.has(key))
}

function twice(rows: readonly string[]): string[] {
  const seen = new Set<string>()
  return rows.filter((row) => seen.size === seen.add(row).size)
}

function fault(what: string, keys: readonly string[]): string[] {
  return keys.length === 0 ? [] : [`${what}: ${keys.length}, such as ${keys.slice(0, 5).join()}`]
}

/**
 * Waits until the broker has delivered to every intake what it had for it, and all of it is
 * acknowledged. A session is a queue: once a message that was published after all others has arrived
 * at an intake, the earlier ones have arrived there, or the broker has lost them. The broker chooses
 * the intake of each message, so they are published until every intake has received one.
 */
export async function drainSessions(
  publishers: Pick<Publishers, 'publishOne'>,
  proxies: readonly CountingProxy[],
): Promise<void> {
  const drained = new Set<CountingProxy>()
  while (drained.size < proxies.length) {
    const last = await publishers.publishOne()
    const receiver = await waitFor(
      () => proxies.find(({ delivered }) => delivered.includes(last)) ?? null,
      { timeoutMs: 60_000, what: 'the delivery of the last message' },
    )
    drained.add(receiver)
  }
  await waitFor(() => proxies.every(({ inFlight }) => inFlight() === 0), {
    timeoutMs: 60_000,
    what: 'the acknowledgement of every delivery',
  })
}
