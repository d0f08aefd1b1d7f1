import { describe, expect, it } from 'vitest'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import { owntracks } from '../../../../ingest/formats/owntracks.ts'
import { formatInput } from '../../../support/format-input.ts'

const TOPIC = 'owntracks/acme/truck7'

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

const parse = (value: unknown, channel = TOPIC) =>
  owntracks.parse(formatInput(bytes(value), 'truck', channel))

const location = (parts: Record<string, unknown> = {}) => ({
  _type: 'location',
  lat: 54.8253,
  lon: 9.3577,
  tst: 1_764_000_000,
  ...parts,
})

describe('a location', () => {
  it('is a reading with the hash of its bytes and no sequence', () => {
    const { elements } = parse(location())
    const hash = hashBytes(bytes(location()))
    expect(elements).toMatchObject([{ elementIndex: -1, seq: null, radio: null, flags: 0, hash }])
  })

  it.each([
    ['seconds', 1_764_000_000, 1_764_000_000_000_000_000n],
    ['a fraction', 1_764_000_000.5, 1_764_000_000_500_000_000n],
    ['an app of its own that sends ms', 1_764_000_000_000, 1_764_000_000_000_000_000n],
  ])('has the time of its tst: %s', (_words, tst, timeNs) => {
    expect(parse(location({ tst, created_at: 1 })).elements).toMatchObject([{ timeNs }])
  })

  it('of another topic is flagged, unless it came on a native channel', () => {
    const given = location({ topic: 'owntracks/acme/truck8' })
    expect(parse(given).elements).toMatchObject([{ flags: FLAGS.identity_mismatch }])
    expect(parse(given, 'owntracks').elements).toMatchObject([{ flags: 0 }])
    expect(parse(location({ topic: TOPIC })).elements).toMatchObject([{ flags: 0 }])
  })

  it('at 0, 0 without any other value is refused', () => {
    const refused = [{ got: 'no usable value, only _type, lat, lon, tst, vel' }]
    expect(parse(location({ lat: 0, lon: 0, vel: 0 }))).toMatchObject({ elements: [], refused })
  })
})

describe('a message of another type', () => {
  it.each(['beacon', 'card', 'cmd', 'configuration', 'lwt', 'request', 'status', 'steps'])(
    '%s is an event',
    (_type) => expect(parse({ _type, tst: 1 })).toEqual({ elements: [], refused: [] }),
  )

  it.each(['transition', 'waypoint', 'waypoints'])('%s is an event', (_type) => {
    expect(parse(location({ _type }))).toEqual({ elements: [], refused: [] })
  })

  it('that is unknown is refused by its type', () => {
    for (const _type of ['locations', '', null, 7, 'toString']) {
      expect(parse(location({ _type })).refused).toMatchObject([{ path: '_type' }])
    }
  })
})
