import { describe, expect, it } from 'vitest'
import { vda5050 } from '../../../ingest/formats/vda5050.ts'
import { createRobotActor } from '../../../simulators/actors/robot-actor.ts'
import { randomOf } from '../../../simulators/models/chance.ts'
import { startRobot, stepRobot } from '../../../simulators/models/robot.ts'
import { testHall, testMap } from '../../../simulators/scenarios/course.ts'
import { formatInput } from '../../support/format-input.ts'

const SEED = Number(process.env['SEED'] ?? 7)
const T0 = 1_795_550_000_000
const HOURS = 2

describe(`the robot model (SEED=${SEED})`, () => {
  const messages = run(SEED)

  it('sends messages that the format reads, each with a value', () => {
    for (const { topic, payload } of messages) {
      const input = formatInput(Buffer.from(payload), 'robot', topic)
      const { elements, refused } = vda5050.parse(input)
      expect(refused).toEqual([])
      expect(elements).toHaveLength(topic.endsWith('/connection') ? 0 : 1)
    }
  })

  it('sends its state at least every 30 s and numbers each topic by one', () => {
    const states = messages.filter(({ topic }) => topic.endsWith('/state'))
    expect(states.length).toBeGreaterThan(HOURS * 120)
    expect(
      Math.max(...states.slice(1).map(({ atMs }, at) => atMs - (states[at]?.atMs ?? 0))),
    ).toBeLessThanOrEqual(30_000)
    for (const name of ['/state', '/visualization']) {
      const ids = messages
        .filter(({ topic }) => topic.endsWith(name))
        .map(({ payload }) => Number(JSON.parse(payload).headerId))
      expect(ids.length).toBeGreaterThan(100)
      expect(ids.every((id, at) => at === 0 || id === (ids[at - 1] ?? 0) + 1)).toBe(true)
    }
  })

  it('stays in its hall and within its speed', () => {
    for (const { topic, payload } of messages) {
      if (!topic.endsWith('/state')) continue
      const { agvPosition, velocity, batteryState } = JSON.parse(payload)
      expect(agvPosition.x).toBeGreaterThanOrEqual(-0.01)
      expect(agvPosition.x).toBeLessThanOrEqual(30.01)
      expect(agvPosition.y).toBeGreaterThanOrEqual(-0.01)
      expect(agvPosition.y).toBeLessThanOrEqual(22.01)
      expect(velocity.vx).toBeLessThanOrEqual(1.6)
      expect(batteryState.batteryCharge).toBeGreaterThan(5)
      expect(batteryState.batteryCharge).toBeLessThanOrEqual(100)
    }
  })

  it('charges before it is empty, and continues when it is full', () => {
    const random = randomOf(SEED, 'long day')
    let robot = startRobot(testHall, random)
    let charges = 0
    for (let step = 0; step < 48 * 720; step += 1) {
      const { state, output } = stepRobot(robot, { hall: testHall }, 5000, random)
      if (state.charging && !robot.charging) charges += 1
      expect(output.socPct).toBeGreaterThan(5)
      robot = state
    }
    expect(charges).toBeGreaterThan(2)
  })

  it('sends the same bytes for the same seed', () => {
    expect(run(SEED)).toEqual(messages)
    expect(run(SEED + 1)).not.toEqual(messages)
  })

  it('uses higher numbers after a restart', () => {
    const later = actorOf(SEED, T0 + HOURS * 3_600_000)
    const first = JSON.parse(later.act(T0 + HOURS * 3_600_000, 1000).outgoing[0]?.payload ?? '')
    const last = JSON.parse(messages.at(-1)?.payload ?? '')
    expect(first.headerId).toBeGreaterThan(last.headerId)
  })
})

function actorOf(seed: number, startMs: number) {
  return createRobotActor({
    device: 'acme.r1',
    name: { manufacturer: 'SIM', serialNumber: 'R1' },
    prefix: 'uagv/v2/SIM/R1',
    hall: testHall,
    place: { lat: 55.5, lon: 7.5 },
    map: testMap,
    random: randomOf(seed, 'robot'),
    startMs,
  })
}

function run(seed: number) {
  const actor = actorOf(seed, T0)
  const seconds = Array.from({ length: HOURS * 3600 }, (_, at) => T0 + at * 1000)
  const online = (actor.onlineMessages?.(T0) ?? []).map((message) => ({ ...message, atMs: T0 }))
  const acted = seconds.flatMap((atMs) =>
    actor.act(atMs, 1000).outgoing.map((message) => ({ ...message, atMs })),
  )
  return [...online, ...acted]
}
