import { matchesFilter } from '#lib/telemetry/topics.ts'
import type { RetainedMessage, SessionFile } from './session-file.ts'

/** Retained messages by tenant and topic, in memory and in `broker.db`. */
export interface RetainedMessages {
  /** An empty payload clears the topic ([MQTT-3.3.1-10]). False: the tenant has too many. */
  put(message: RetainedMessage): boolean
  /** Those that match a scoped filter. */
  matching(filter: string): readonly RetainedMessage[]
  /** Drops the messages on all topics that begin with `start`: of a tenant (`acme/`) or a device. */
  forgetBelow(start: string): void
}

/** Retained messages of one tenant: devices must not fill the memory. */
const MAX_PER_TENANT = 50_000

export function createRetainedMessages(file: SessionFile): RetainedMessages {
  const tenants = new Map<string, Map<string, RetainedMessage>>()
  for (const { topic, payload, qos } of file.retained()) {
    ofTenant(topic).set(topic, { topic, payload: Buffer.from(payload), qos })
  }

  function ofTenant(topic: string): Map<string, RetainedMessage> {
    const tenant = topic.slice(0, topic.indexOf('/'))
    const known = tenants.get(tenant) ?? new Map<string, RetainedMessage>()
    tenants.set(tenant, known)
    return known
  }

  return {
    put({ topic, payload, qos }) {
      const messages = ofTenant(topic)
      if (payload.length === 0) {
        if (messages.delete(topic)) file.putRetained(topic, null)
        return true
      }
      if (messages.size >= MAX_PER_TENANT && !messages.has(topic)) return false
      const message = { topic, payload: Buffer.from(payload), qos }
      messages.set(topic, message)
      file.putRetained(topic, message)
      return true
    },
    matching(filter) {
      const messages = ofTenant(filter)
      if (!/[+#]/.test(filter)) {
        const message = messages.get(filter)
        return message ? [message] : []
      }
      return [...messages.values()].filter(({ topic }) => matchesFilter(filter, topic))
    },
    forgetBelow(start) {
      const messages = ofTenant(start)
      for (const topic of messages.keys()) {
        if (!topic.startsWith(start)) continue
        messages.delete(topic)
        file.putRetained(topic, null)
      }
    },
  }
}
