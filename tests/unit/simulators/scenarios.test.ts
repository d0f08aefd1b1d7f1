import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { native } from '../../../ingest/formats/native.ts'
import { malformed, repeating, withFault } from '../../../simulators/actors/faults.ts'
import { SCENARIOS } from '../../../simulators/scenarios/catalogue.ts'
import type { Scenario } from '../../../simulators/scenarios/scenario.ts'
import { formatInput } from '../../support/format-input.ts'

const T0 = 1_795_550_000_000

describe('the scenarios', () => {
  it('are all in the catalogue, one file each', () => {
    const files = readdirSync(new URL('../../../simulators/scenarios', import.meta.url))
    const own = files
      .map((name) => name.slice(0, -3))
      .filter((name) => !['scenario', 'catalogue', 'course'].includes(name))
    expect(SCENARIOS.map(({ name }) => name).toSorted()).toEqual(own.toSorted())
  })

  it.each(SCENARIOS)('$name sends the same bytes for the same seed, marked in every id', (one) => {
    expect(bytesOf(one, 3)).toEqual(bytesOf(one, 3))
    expect(bytesOf(one, 3)).not.toEqual(bytesOf(one, 4))
    const member = one.member(4, context(3))
    expect(member.device.id).toMatch(/^mark-/)
    expect(member.actor.device).toBe(`lab.${member.device.id}`)
  })

  it.each(SCENARIOS)('$name sends in every turn', (scenario) => {
    for (let at = 0; at < 10; at += 1) {
      const { actor } = scenario.member(at, context(1))
      for (let turn = 0; turn < 60; turn += 1) {
        expect(actor.act(T0 + turn * 200, 200).outgoing.length).toBeGreaterThan(0)
      }
    }
  })
})

describe('faults', () => {
  const truck = () => SCENARIOS[0]?.member(0, context(1)).actor ?? fail()

  it('break one message in so many, so that the platform must refuse it', () => {
    const actor = withFault(truck(), malformed(5))
    let refusedCount = 0
    for (let turn = 0; turn < 100; turn += 1) {
      for (const { payload } of actor.act(T0 + turn * 1000, 1000).outgoing) {
        const { refused } = native.parse(formatInput(Buffer.from(payload)))
        refusedCount += refused.length
      }
    }
    expect(refusedCount).toBe(20)
  })

  it('repeat one message in so many, byte for byte', () => {
    const actor = withFault(truck(), repeating(4))
    const turns = Array.from({ length: 40 }, (_, at) => actor.act(T0 + at * 1000, 1000).outgoing)
    const twice = turns.filter(({ length }) => length === 2)
    expect(twice).toHaveLength(10)
    for (const [one, other] of twice) expect(one).toEqual(other)
  })
})

function context(seed: number) {
  return { tenant: 'lab', mark: 'mark', seed, startMs: T0 }
}

function bytesOf(scenario: Scenario, seed: number): string[] {
  return Array.from({ length: 10 }, (_, at) => scenario.member(at, context(seed))).flatMap(
    ({ actor }) =>
      Array.from({ length: 20 }, (_, turn) => actor.act(T0 + turn * 500, 500)).flatMap(
        ({ outgoing }) => outgoing.map(({ topic, payload }) => `${topic} ${payload}`),
      ),
  )
}

function fail(): never {
  throw new Error('there is no scenario')
}
