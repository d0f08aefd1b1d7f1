import { counter, dataSchema, gauge, state, type KindDefinition } from '../field.ts'
import { POSITION_FIELDS, checkPosition } from '../position.ts'

const { lat, lon, headingDeg, altM, speedKmh } = POSITION_FIELDS

const delay = (description: string) => gauge('ms', description, { min: 0, max: 1e9 })

const fields = {
  rttMs: delay('Application round trip, by the clock of the probe (RFC 2681).'),
  uplinkDelayMs: gauge('ms', 'One-way delay to the platform, computed by the probe.', {
    min: -1e9,
    max: 1e9,
  }),
  downlinkDelayMs: gauge('ms', 'One-way delay from the platform, computed by the probe.', {
    min: -1e9,
    max: 1e9,
  }),
  jitterMs: delay('Interarrival jitter, computed by the probe (RFC 3550).'),
  sent: counter('', 'Probe packets sent since the probe started.', { min: 0 }),
  received: counter('', 'Replies received since the probe started.', { min: 0 }),
  lost: counter('', 'Probe packets without a reply in time since the probe started.', {
    min: 0,
  }),
  sizeBytes: gauge('By', 'Size of the probe payload.', { min: 0, max: 1e9 }),
  uplinkMbps: gauge('Mbit/s', 'Throughput to the network.', { min: 0, max: 1e6 }),
  downlinkMbps: gauge('Mbit/s', 'Throughput from the network.', { min: 0, max: 1e6 }),
  lat,
  lon,
  headingDeg,
  altM,
  speedKmh,
  target: state('Endpoint that the probe measures against.', { maxLength: 128 }),
}

/** An active measurement of the network (docs/domain.md 5.3); any device may send one. */
export const probe: KindDefinition = {
  name: 'probe',
  description: 'Round trip, loss and throughput that a probe client measured, with its position.',
  retention: 'fleet',
  fields,
  data: dataSchema(fields),
  check: checkPosition,
  fromAnyDevice: true,
}
