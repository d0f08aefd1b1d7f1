import { createTopicIndex, type TopicIndex } from '#lib/registry/topics/topic-index.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'

/** Two patterns of different tenants that share a topic. */
export interface AmbiguousPattern {
  readonly device: FullId
  readonly pattern: string
  readonly otherDevice: FullId
  readonly otherPattern: string
}

/**
 * Patterns of two tenants that match the same topic, which is ambiguous where only the topic names the
 * device. Within a tenant the registry refuses them; the built-in broker knows the account. Of several
 * patterns of a tenant that overlap with one, only the first is listed.
 */
export function ambiguousPatterns(registry: {
  readonly devices: { list(): readonly Device[] }
}): readonly AmbiguousPattern[] {
  const earlier = new Map<string, TopicIndex<FullId>>()
  const found: AmbiguousPattern[] = []
  for (const { id: device, tenant, topics } of registry.devices.list()) {
    for (const pattern of topics) {
      for (const [other, index] of earlier) {
        const rival = other === tenant ? null : index.overlapping(pattern)
        if (!rival) continue
        found.push({ device, pattern, otherDevice: rival.owner, otherPattern: rival.filter })
      }
    }
    const index = earlier.get(tenant) ?? createTopicIndex<FullId>()
    earlier.set(tenant, index)
    for (const pattern of topics) index.add(pattern, device)
  }
  return found
}

/** A line for `--check`. */
export function ambiguityLine(found: AmbiguousPattern): string {
  const { device, pattern, otherDevice, otherPattern } = found
  return (
    `devices ${otherDevice} and ${device}: expected patterns that share no topic, because with ` +
    `PADBORG_MQTT_URL only the topic names the device, got ${otherPattern} and ${pattern}; their ` +
    'common topics are rejected as unknown_device until one of the two is changed'
  )
}
