import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { SilenceWatch } from '../../../../ingest/silence/silence-watch.ts'
import { T0, journaled, truckOf } from '../../../support/messages.ts'

const S_NS = 1_000_000_000n
const at = (seconds: number) => T0 + BigInt(seconds) * S_NS
const robot = (id: string): Device => ({ ...truckOf(id), kind: 'robot', format: 'vda5050' })

/** A fleet heard by hand: a message at a second, and a look at a second. */
function fleet(deviceOf: (id: string) => Device | null = robot, startedS = 0) {
  const watch = new SilenceWatch({
    device: deviceOf,
    limitNs: 60n * S_NS,
    startedNs: at(startedS),
  })
  let position = 0
  const hear = (seconds: number, topic: string, payload: unknown = '{}', more = {}) => {
    position += 1
    const device = 'acme.r1'
    const receivedAtNs = at(seconds)
    watch.heard([journaled(position, payload, { topic, device, receivedAtNs, ...more })])
  }
  const says = (seconds: number, connectionState: string, more = {}) =>
    hear(seconds, 'uagv/v2/KIT/1/connection', { connectionState }, more)
  const state = (seconds: number, more = {}) => hear(seconds, 'uagv/v2/KIT/1/state', '{}', more)
  const look = (seconds: number) => watch.look(at(seconds))
  return { watch, hear, says, state, look }
}

const began = { device: 'acme.r1', topic: 'uagv/v2/KIT/1/state', limitS: 60, ended: null }

describe('the silence of a robot', () => {
  it('begins once after the limit, and ends once when state is heard again', () => {
    const { watch, says, state, look } = fleet()
    says(0, 'ONLINE')
    state(10)
    expect(look(70)).toEqual([])
    expect(look(71)).toEqual([{ ...began, sinceNs: at(10) }])
    expect([look(76), look(500)]).toEqual([[], []])
    expect(watch.lasting('acme.r1')).toEqual([{ ...began, sinceNs: at(10) }])
    state(501)
    const end = { ...began, sinceNs: at(10), ended: { atNs: at(501), by: 'state' } }
    expect(look(505)).toEqual([end])
    expect([look(506), watch.lasting()]).toEqual([[], []])
    expect(look(562)).toEqual([{ ...began, sinceNs: at(501) }])
  })

  it.each(['OFFLINE', 'CONNECTIONBROKEN', 'CONNECTION_BROKEN', 'connectionBroken', 'HIBERNATING'])(
    'ends when its connection says %s, and is none while it does',
    (word) => {
      const { says, look } = fleet()
      says(0, 'online')
      expect(look(61)).toHaveLength(1)
      says(62, word)
      expect(look(65)).toMatchObject([{ ended: { atNs: at(65), by: 'connection' } }])
      expect(look(900)).toEqual([])
      says(1000, 'ONLINE')
      expect(look(1060)).toEqual([])
      expect(look(1061)).toMatchObject([{ sinceNs: at(1000), ended: null }])
    },
  )

  it('is not put off by an ONLINE that is repeated, nor by visualization', () => {
    const { hear, says, look } = fleet()
    for (let second = 0; second <= 60; second += 15) says(second, 'ONLINE')
    hear(60, 'uagv/v2/KIT/1/visualization')
    expect(look(61)).toMatchObject([{ sinceNs: at(0) }])
  })

  it('does not take the time before the process for silence', () => {
    const { says, state, look } = fleet(robot, 1000)
    says(0, 'ONLINE')
    state(10)
    expect(look(1060)).toEqual([])
    expect(look(1061)).toMatchObject([{ sinceNs: at(1000) }])
  })

  it('ignores replays, and messages that are read from the journal again', () => {
    const { says, state, look } = fleet()
    says(0, 'ONLINE')
    says(5, 'OFFLINE', { position: 1 })
    state(50, { origin: { position: 1, elementIndex: -1 } })
    expect(look(61)).toMatchObject([{ sinceNs: at(0), ended: null }])
  })

  it('is of each robot on its own, though one device speaks for a fleet', () => {
    const { hear, says, state, look } = fleet()
    says(0, 'ONLINE')
    hear(0, 'uagv/v2/KIT/2/connection', { connectionState: 'ONLINE' })
    hear(0, 'uagv/v2/KIT/1/connection', { connectionState: 'ONLINE' }, { device: 'acme.r2' })
    state(40)
    expect(look(61).map(({ device, topic }) => `${device} ${topic}`)).toEqual([
      'acme.r1 uagv/v2/KIT/2/state',
      'acme.r2 uagv/v2/KIT/1/state',
    ])
  })

  it('is found by the shape of the messages on native topics', () => {
    const { hear, look } = fleet()
    const topic = 'padborg/v1/acme/r1/telemetry'
    hear(0, topic, { connectionState: 'ONLINE' })
    hear(50, topic, { powerSupply: {} })
    hear(100, topic, { mobileRobotPosition: {} })
    expect(look(110)).toEqual([])
    expect(look(111)).toMatchObject([{ topic, sinceNs: at(50) }])
  })

  it('is none of devices of other formats, and ends when the device is gone', () => {
    let known: Device | null = { ...robot('acme.r1'), format: 'native' }
    const { watch, says, look } = fleet(() => known)
    says(0, 'ONLINE')
    expect(look(500)).toEqual([])
    known = robot('acme.r1')
    says(500, 'ONLINE')
    expect(look(561)).toHaveLength(1)
    known = null
    expect(look(562)).toMatchObject([{ ended: { by: 'connection' } }])
    expect(watch.lasting()).toEqual([])
  })

  it('is untouched by a connection that cannot be read', () => {
    const { hear, says, look } = fleet()
    says(0, 'ONLINE')
    for (const payload of ['', 'null', '{"connectionState":7}', '{"connectionState"', '[]'])
      hear(10, 'uagv/v2/KIT/1/connection', payload)
    expect(look(61)).toHaveLength(1)
  })
})
