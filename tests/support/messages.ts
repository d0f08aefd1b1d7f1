import type { Device } from '#lib/registry/registry.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'

export const T0 = 1_764_000_000_000_000_000n

export function truckOf(id = 'acme.t1'): Device {
  return {
    id,
    tenant: id.slice(0, id.indexOf('.')),
    name: '',
    kind: 'truck',
    format: 'native',
    topics: [],
    gateway: false,
    site: null,
    settings: {},
    secretNames: [],
    createdAt: '2026-01-01T00:00:00.000Z',
  }
}

/** A journaled message of `acme.t1`, received 100 ms after T0 plus its position in seconds. */
export function journaled(
  position: number,
  payload: unknown,
  more: Partial<JournaledMessage> = {},
): JournaledMessage {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return {
    position,
    device: 'acme.t1',
    topic: 'padborg/v1/acme/t1/telemetry',
    payload: Buffer.from(text),
    qos: 1,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: T0 + BigInt(position) * 1_000_000_000n + 100_000_000n,
    receivedMonoNs: BigInt(position),
    origin: null,
    ...more,
  }
}

/** A native truck payload with the device time of its sequence number, in seconds after T0. */
export function truckPayload(
  seq: number,
  speedKmh = 50,
  ts = Number(T0 / 1_000_000n) + seq * 1000,
) {
  return { v: 1, kind: 'truck', ts, seq, data: { speedKmh } }
}
