/** One message of a service: Unix ns by one clock; null where it never came. */
export interface ServiceMessage {
  readonly sentNs: bigint
  readonly receivedNs: bigint | null
}

/** What a service requires of the network. */
export interface ServiceLimits {
  /** L: maximum end-to-end latency. */
  readonly latencyNs: bigint
  /** S: survival time, that the application goes on without an expected message. */
  readonly survivalNs: bigint
}

export interface AvailabilityFigures {
  /** Share of the observed time that the service was up, 0..1; null of no observed time. */
  readonly availability: number | null
  readonly observedNs: bigint
  readonly downNs: bigint
  /** How often the service went down, and how long at most. */
  readonly outages: number
  readonly longestOutageNs: bigint
  /** Messages, and those of them that came after L or never: late is not lost. */
  readonly n: number
  readonly late: number
  readonly lost: number
}

/**
 * Communication service availability (TS 22.261 cl. 3.1, by the algorithm of docs/domain.md 5.1).
 * In a run of late or lost messages the service is down from `L + S` after the first of them was
 * sent until the next message in time is received, or until the observation ends, which is L after
 * the last message was sent. Messages in any order.
 */
export function availability(
  messages: readonly ServiceMessage[],
  { latencyNs, survivalNs }: ServiceLimits,
): AvailabilityFigures {
  const sorted = messages.toSorted(bySent)
  const [first, last] = [sorted[0], sorted.at(-1)]
  const endNs = (last?.sentNs ?? 0n) + latencyNs
  const outagesNs: bigint[] = []
  let runNs: bigint | null = null
  for (const { sentNs, receivedNs } of sorted) {
    const isInTime = receivedNs !== null && receivedNs - sentNs <= latencyNs
    if (isInTime && runNs !== null) outagesNs.push(receivedNs - (runNs + latencyNs + survivalNs))
    if (isInTime) runNs = null
    else runNs ??= sentNs
  }
  if (runNs !== null) outagesNs.push(endNs - (runNs + latencyNs + survivalNs))
  const down = outagesNs.filter((lengthNs) => lengthNs > 0n)
  const downNs = down.reduce((sum, lengthNs) => sum + lengthNs, 0n)
  const observedNs = first && last ? endNs - first.sentNs : 0n
  return {
    availability: observedNs > 0n ? Number(observedNs - downNs) / Number(observedNs) : null,
    observedNs,
    downNs,
    outages: down.length,
    longestOutageNs: down.reduce((max, lengthNs) => (lengthNs > max ? lengthNs : max), 0n),
    n: sorted.length,
    ...lateAndLost(sorted, latencyNs),
  }
}

function lateAndLost(messages: readonly ServiceMessage[], latencyNs: bigint) {
  const lost = messages.filter(({ receivedNs }) => receivedNs === null).length
  const late = messages.filter(
    ({ sentNs, receivedNs }) => receivedNs !== null && receivedNs - sentNs > latencyNs,
  ).length
  return { late, lost }
}

/** Of messages sent at one time the first received: the order of the input must not count. */
function bySent(a: ServiceMessage, b: ServiceMessage): number {
  if (a.sentNs !== b.sentNs) return a.sentNs < b.sentNs ? -1 : 1
  if (a.receivedNs === b.receivedNs) return 0
  if (a.receivedNs === null) return 1
  if (b.receivedNs === null) return -1
  return a.receivedNs < b.receivedNs ? -1 : 1
}
