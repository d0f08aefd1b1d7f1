import { describe, expect, it } from 'vitest'
import type { Device, Reading } from '../../../../../../dashboards/portal/src/api/rows.ts'
import {
  deviceStates,
  kindSummaries,
} from '../../../../../../dashboards/portal/src/homes/fleet/device-states.ts'

const NOW_MS = Date.parse('2026-11-24T12:00:00Z')

describe('the state of a device', () => {
  const readings = [
    reading('acme.t1', 'truck', 60),
    reading('acme.t2', 'truck', 61),
    reading('varme.m1', 'heat_meter', 74 * 60),
  ]

  it('is late after the limit of its kind, and silent before the first reading', () => {
    const devices = [
      device('acme.t1', 'truck'),
      device('acme.t2', 'truck'),
      device('acme.t3', 'truck'),
      device('varme.m1', 'heat_meter'),
      device('acme.g1', 'gateway'),
    ]
    const states = deviceStates(devices, readings, NOW_MS)
    expect(states.map(({ device, freshness }) => [device, freshness])).toEqual([
      ['acme.t1', 'fresh'],
      ['acme.t2', 'late'],
      ['acme.t3', 'silent'],
      ['varme.m1', 'fresh'],
    ])
  })

  it('comes from readings alone where the role may not list devices', () => {
    const states = deviceStates(null, [...readings, reading('acme.t2', 'truck', 5)], NOW_MS)
    expect(states.find(({ device }) => device === 'acme.t2')?.freshness).toBe('fresh')
    expect(states).toHaveLength(3)
  })

  it('is counted per kind, in the order of the page', () => {
    const states = deviceStates(null, readings.toReversed(), NOW_MS)
    expect(kindSummaries(states)).toEqual([
      { kind: 'truck', fresh: 1, late: 1, silent: 0, lastMs: NOW_MS - 60_000 },
      { kind: 'heat_meter', fresh: 1, late: 0, silent: 0, lastMs: NOW_MS - 74 * 60_000 },
    ])
  })
})

function device(id: string, kind: string): Device {
  return { id, kind, site: null, settings: {} }
}

function reading(device: string, kind: Reading['kind'], agoS: number): Reading {
  const time = new Date(NOW_MS - agoS * 1000).toISOString()
  const from = { tenant: 'acme', channel: 'telemetry', seq: null }
  const times = { time, receivedAt: time, claimedTime: null }
  return { ...from, device, kind, ...times, flags: [], fields: {}, radio: null }
}
