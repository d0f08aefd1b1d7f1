import type { ParsedPacket } from '../aedes/aedes-client.ts'

/**
 * Inside Aedes every topic and filter begins with the tenant of its account: `acme/<topic>`. Two
 * tenants can use the same foreign topic, and nothing (live, retained or queued) crosses over.
 */
export function prefixOf(tenant: string): string {
  return `${tenant}/`
}

/** Puts the filters of a SUBSCRIBE or UNSUBSCRIBE below the tenant. */
export function scopeFilters(packet: ParsedPacket, prefix: string): void {
  for (const subscription of packet.subscriptions ?? []) {
    subscription.topic = prefix + subscription.topic
  }
  const { unsubscriptions } = packet
  for (const [at, filter] of unsubscriptions?.entries() ?? []) {
    if (unsubscriptions) unsubscriptions[at] = prefix + filter
  }
}

export function levelsOf(topic: string): number {
  let levels = 1
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels += 1
  return levels
}
