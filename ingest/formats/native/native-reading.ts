import { isRecord } from '../payload/problem.ts'

/**
 * Whether a device of another format sends a native payload on its native channel: a robot may
 * report its radio conditions and probes beside what it says in its own convention.
 */
export function isNativeReading(channel: string, value: unknown): boolean {
  if (channel !== 'telemetry') return false
  const first: unknown = Array.isArray(value) ? value[0] : value
  return isRecord(first) && first['v'] !== undefined && first['kind'] !== undefined
}
