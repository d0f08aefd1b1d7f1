import { counter, dataSchema, gauge, state, type KindDefinition } from '../field.ts'
import { POSITION_FIELDS, checkPosition } from '../position.ts'

const { lat, lon, headingDeg, altM, speedKmh } = POSITION_FIELDS

const delay = (description: string) => gauge('ms', description, { min: 0, max: 1e9 })

const fields = {
  rttMs: delay('Application round trip, measured with the clock of the probe (RFC 2681).'),
  uplinkDelayMs: gauge('ms', 'One-way delay to the platform as the probe computed it.', {
    min: -1e9,
    max: 1e9,
  }),
  downlinkDelayMs: gauge('ms', 'One-way delay from the platform as the probe computed it.', {
    min: -1e9,
    max: 1e9,
  }),
  jitterMs: delay('Interarrival jitter as the probe computed it (RFC 3550).'),
  sent: counter('', 'Probe packets sent since the probe started.', { min: 0 }),
  received: counter('', 'Answers received since the probe started.', { min: 0 }),
  lost: counter('', 'Probe packets without an answer within the limit, since the start.', {
    min: 0,
  }),
  sizeBytes: gauge('By', 'Size of the probe payload.', { min: 0, max: 1e9 }),
  uplinkMbps: gauge('Mbit/s', 'Throughput towards the network.', { min: 0, max: 1e6 }),
  downlinkMbps: gauge('Mbit/s', 'Throughput from the network.', { min: 0, max: 1e6 }),
  lat,
  lon,
  headingDeg,
  altM,
  speedKmh,
  target: state('What the probe talks to.', { maxLength: 128 }),
}

/** An active measurement of the network (docs/domain.md 5.3); any device may send one. */
export const probe: KindDefinition = {
  name: 'probe',
  description: 'Round trip, loss and throughput that a probe client measured, with its place.',
  retention: 'fleet',
  fields,
  data: dataSchema(fields),
  check: checkPosition,
}
