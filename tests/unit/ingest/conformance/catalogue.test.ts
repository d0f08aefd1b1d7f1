import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { REJECTION_REASONS } from '#lib/telemetry/rejection.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { findAll, FINDINGS } from '../../../../ingest/conformance/catalogue.ts'
import type { RejectionGroup } from '../../../../ingest/conformance/finding.ts'
import { T0 } from '../../../support/messages.ts'
import { codesOf, HEALTHY, readingOf, S_NS, withFacts } from './evidence.ts'

const DOCUMENT = new URL('../../../../docs/conformance.md', import.meta.url)

describe('the findings about a device', () => {
  it('have the rows of docs/conformance.md, both ways', () => {
    const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `(\w+)` \|/gm)
    const codes = FINDINGS.flatMap((one) => one.codes)
    const described = [...rows].map(([, code = '']) => code)
    expect(new Set(described)).toEqual(new Set(codes))
    expect(new Set(codes).size, 'each code once').toBe(codes.length)
  })

  it('cover every reason of a rejection and every quality flag', () => {
    const codes = FINDINGS.flatMap((one) => one.codes)
    expect(codes).toEqual(expect.arrayContaining([...REJECTION_REASONS]))
    // `not_live` is ours: no fault of the sender.
    const shown = Object.keys(FLAGS).filter((flag) => flag !== 'not_live')
    expect(codes).toEqual(expect.arrayContaining(shown))
  })

  it('are none for a healthy device', () => {
    expect(findAll(HEALTHY)).toEqual([])
  })

  it('say how to connect a device that never sent', () => {
    const never = { firstReceivedAtNs: null, lastReceivedAtNs: null, read: 0, stored: 0 }
    const nothing = { clock: null, sequence: null, rate: null, transport: null, lastFormat: null }
    const evidence = { ...withFacts({ ...never, ...nothing }), last: [] }
    expect(codesOf(evidence)).toEqual(['error silent'])
    const [finding] = findAll(evidence)
    expect(finding?.advice).toContain('user name acme.t1')
    expect(finding?.advice).toContain('padborg/v1/acme/t1/telemetry')
    const device = { ...evidence.device, format: 'teltonika', topics: ['86/data'] }
    expect(findAll({ ...evidence, device })[0]?.advice).toContain(
      'padborg/v1/acme/t1/teltonika or 86/data',
    )
  })

  it('include a device that has stopped, by its own pace', () => {
    const at = (nowNs: bigint) => ({ ...HEALTHY, nowNs })
    expect(codesOf(at(T0 + 350n * S_NS))).toEqual([])
    expect(codesOf(at(T0 + 500n * S_NS))).toEqual(['warning stopped'])
    const hourly = withFacts({
      firstReceivedAtNs: T0 - 99n * 3600n * S_NS,
      lastReceivedAtNs: T0,
    })
    expect(codesOf({ ...hourly, nowNs: T0 + 9n * 3600n * S_NS })).toEqual([])
    expect(codesOf({ ...hourly, nowNs: T0 + 11n * 3600n * S_NS })).toEqual(['warning stopped'])
  })

  it('include messages without readings', () => {
    expect(codesOf({ ...HEALTHY, last: [] })).toEqual(['warning no_readings'])
  })

  it('are errors for what is rejected until good messages have come for two minutes', () => {
    const group: RejectionGroup = {
      reason: 'schema',
      path: '[].data.speedKmh',
      count: 3,
      expected: 'number',
      got: 'string',
      value: '"fast"',
      lastAtNs: T0 + 98n * S_NS,
    }
    const evidence = { ...HEALTHY, rejected: [group] }
    expect(findAll(evidence)).toEqual([
      {
        code: 'schema',
        severity: 'error',
        path: '[].data.speedKmh',
        example: 'got string: "fast" (3 times, last at 2025-11-24T16:01:38Z)',
        advice: 'expected number; send this field as expected',
      },
    ])
    const later = { ...evidence, nowNs: T0 + 230n * S_NS }
    expect(codesOf(later)).toEqual(['warning schema'])
    const worse = { ...later, rejected: [{ ...group, lastAtNs: T0 + 100n * S_NS }] }
    expect(codesOf(worse), 'nothing good since').toEqual(['error schema'])
  })

  it('include clocks that are off, and without a measurement one that is ahead', () => {
    const clock = (offsetMs: number, boundMs: number) =>
      codesOf(withFacts({ clock: { offsetMs, boundMs, measuredAtNs: T0, syncClass: 'D' } }))
    expect(clock(-46_280, 12)).toEqual(['warning clock_offset'])
    expect(clock(86_400_000, 12)).toEqual(['error clock_offset'])
    expect(clock(1500, 800), 'within its bound').toEqual([])
    const unmeasured = withFacts({ clock: null })
    expect(codesOf(unmeasured)).toEqual(['info clock_unmeasured'])
    const ahead = { ...readingOf(99, {}), receivedAtNs: T0 + 53n * S_NS }
    expect(codesOf({ ...unmeasured, last: [ahead] })).toEqual(['warning clock_offset'])
    expect(codesOf(withFacts({ flags: { clock_invalid: 4 } }))).toEqual(['error clock_invalid'])
  })

  it('include gaps, restarts and disorder of sequence numbers, and missing numbers', () => {
    const sequence = { received: 97, lost: 3, restarts: 1, reordered: 2 }
    expect(codesOf(withFacts({ sequence }))).toEqual([
      'warning sequence_gaps',
      'info sequence_restarts',
      'info sequence_order',
    ])
    expect(codesOf(withFacts({ sequence: null }))).toEqual(['info sequence_none'])
  })

  it('include names that the kind does not have, with the nearest one that it has', () => {
    const unknownFields = { 'data.latitude': 3, 'data.cargo_temp': 7, 'data.colour': 1 }
    const found = findAll(withFacts({ unknownFields })).filter(
      ({ code }) => code === 'unknown_field',
    )
    expect(found.map(({ path, example }) => [path, example])).toEqual([
      ['data.cargo_temp', '7 readings had it'],
      ['data.latitude', '3 readings had it'],
      ['data.colour', '1 readings had it'],
    ])
    expect(found[0]?.advice).toContain('call it cargoTemp1C')
    expect(found[1]?.advice).toContain('call it lat')
    expect(found[2]?.advice).toContain('no field of truck has this name')
  })

  it('include settings that an earlier version took and that mean nothing', () => {
    const device = { ...HEALTHY.device, settings: { timezne: 'Europe/Berlin' } }
    const found = findAll({ ...HEALTHY, device }).filter(({ code }) => code === 'wrong_setting')
    expect(found).toMatchObject([{ severity: 'warning', path: 'settings.timezne' }])
    expect(found[0]?.advice).toContain('timezone')
  })

  it('include QoS, retain, redelivery, repetition and size', () => {
    const { transport } = HEALTHY.facts
    if (!transport) throw new Error('the healthy device has sent')
    const use = (more: Partial<typeof transport>, format = 'native') =>
      codesOf(withFacts({ transport: { ...transport, ...more }, lastFormat: format }))
    expect(use({ qos: [40, 60, 0] })).toEqual(['warning qos0'])
    expect(use({ qos: [40, 60, 0] }, 'vda5050'), 'VDA 5050 requires it').toEqual(['info qos0'])
    expect(use({ qos: [0, 0, 100] })).toEqual(['info qos2'])
    expect(use({ retained: 1 })).toEqual(['warning retained'])
    expect(use({ retained: 1 }, 'vda5050'), 'its connection topic').toEqual([])
    expect(use({ redelivered: 5 })).toEqual([])
    expect(use({ redelivered: 6 })).toEqual(['warning redelivered'])
    expect(use({ maxBytes: 65_537 })).toEqual(['warning large_messages'])
    expect(codesOf(withFacts({ duplicate: 6 }))).toEqual(['warning duplicate'])
  })

  it('include each robot that is ONLINE and sends no state', () => {
    const limitS = 60
    const silences = ['uagv/v2/KIT/1/state', null].map((topic) => ({
      device: 'acme.t1',
      topic,
      sinceNs: T0,
      limitS,
      ended: null,
    }))
    const found = findAll({ ...HEALTHY, silences })
    expect(found.map(({ code, severity, path }) => `${severity} ${code} ${path}`)).toEqual([
      'error state_silent uagv/v2/KIT/1/state',
      'error state_silent ',
    ])
  })

  it('include quality flags, the worst first', () => {
    const flags = { late: 50, out_of_range: 2 }
    expect(codesOf(withFacts({ flags }))).toEqual(['warning out_of_range', 'info late'])
  })
})
