import type { Device } from '#lib/registry/registry.ts'
import { createTopicIndex } from '#lib/registry/topics/topic-index.ts'
import { NATIVE_PREFIX } from '#lib/telemetry/topics.ts'

/**
 * The topic filters to subscribe to: the given ones, else the native tree and the topics of the
 * devices. A filter that another one covers is left out: two shared subscriptions would each deliver
 * the message.
 */
export function wantedFilters(
  given: readonly string[] | null,
  devices: readonly Pick<Device, 'topics'>[],
): readonly string[] {
  const all = given ?? [`${NATIVE_PREFIX}#`, ...devices.flatMap(({ topics }) => topics)]
  const once = [...new Set(all)].toSorted()
  const index = createTopicIndex<string>()
  for (const filter of once) index.add(filter, filter)
  return once.filter((filter) => {
    // A wildcard at the root never matches what begins with `$` ([MQTT-4.7.2-1]).
    if (filter.startsWith('$')) return true
    index.remove(filter)
    if (index.covers(filter)) return false
    index.add(filter, filter)
    return true
  })
}

/** The filter of a shared subscription (MQTT 5, 4.8.2). */
export function sharedFilter(share: string | null, filter: string): string {
  return share === null ? filter : `$share/${share}/${filter}`
}
