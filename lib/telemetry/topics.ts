import { ID_PATTERN, fullId, type FullId } from './ids.ts'

/** Root of the native topic tree: `padborg/v1/<tenant>/<device>/<channel>`. */
export const NATIVE_PREFIX = 'padborg/v1/'

/** Channels a device writes whose messages are journaled; a format name is a channel too. */
export const INTAKE_CHANNELS = ['telemetry', 'status'] as const
/** The broker replies at once; never journaled. */
export const CLOCK_REQUEST = 'clock/request'
export const PROBE_REQUEST = 'probe/request'
/** Channels a device reads. */
export const RESPONSE_CHANNELS = ['probe/response', 'clock/response', 'errors'] as const

export interface NativeTopic {
  readonly tenant: string
  readonly device: FullId
  readonly channel: string
}

/** Takes a native topic apart; null when it is not one (or its ids are malformed). */
export function parseNativeTopic(topic: string): NativeTopic | null {
  if (!topic.startsWith(NATIVE_PREFIX)) return null
  const tenantEnd = topic.indexOf('/', NATIVE_PREFIX.length)
  if (tenantEnd < 0) return null
  const deviceEnd = topic.indexOf('/', tenantEnd + 1)
  if (deviceEnd < 0 || deviceEnd === topic.length - 1) return null
  const tenant = topic.slice(NATIVE_PREFIX.length, tenantEnd)
  const device = topic.slice(tenantEnd + 1, deviceEnd)
  if (!ID_PATTERN.test(tenant) || !ID_PATTERN.test(device)) return null
  return { tenant, device: fullId(tenant, device), channel: topic.slice(deviceEnd + 1) }
}

export function nativeTopic(device: FullId, channel: string): string {
  return `${NATIVE_PREFIX}${device.replace('.', '/')}/${channel}`
}

/** Whether a topic matches an MQTT filter ([MQTT-4.7.1-2], [MQTT-4.7.1-3], [MQTT-4.7.2-1]). */
export function matchesFilter(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true
    if (at >= levels.length || (level !== '+' && level !== levels[at])) return false
  }
  return wanted.length === levels.length
}
