import type { FormatInput } from '../../ingest/formats/format.ts'
import type { Device } from '#lib/registry/registry.ts'

/** The input of a format for one payload of a device of a kind. */
export function formatInput(
  payload: Uint8Array,
  kind: Device['kind'] = 'truck',
  channel = 'telemetry',
  settings: Device['settings'] = {},
): FormatInput {
  const device: Device = {
    id: 'acme.t1',
    tenant: 'acme',
    name: 't1',
    kind,
    format: 'native',
    topics: [],
    gateway: kind === 'gateway',
    site: null,
    settings,
    secretNames: [],
    createdAt: '2025-11-24T16:00:00Z',
  }
  const message = {
    device: device.id,
    topic: channel.includes('/') ? channel : `padborg/v1/acme/t1/${channel}`,
    payload,
    qos: 1,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: 1_764_000_000_000_000_000n,
    receivedMonoNs: 1n,
    origin: null,
    position: 1,
  } as const
  return { device, message, channel, timezone: 'Europe/Copenhagen' }
}
