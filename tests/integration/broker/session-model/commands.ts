import * as fc from 'fast-check'
import type { Qos } from './expectations.ts'
import type { Acks, Slot } from './slots.ts'
import type { World } from './world.ts'

/** What fast-check keeps for a run: the world itself knows what it expects. */
export interface Model {
  readonly world: World
  readonly onStep: () => void
}

type Step = fc.AsyncCommand<Model, World>

const qos = fc.constantFrom<Qos>(0, 1, 2)
const name = fc.constantFrom('fleet', 'office', 'robot', 'stranger')
const pick = fc.nat({ max: 9 })
const message = fc.record({ topic: pick, qos, retain: fc.boolean(), isEmpty: fc.boolean() })

/** Each step, and what has to be so before it. */
const steps: readonly fc.Arbitrary<Step>[] = [
  fc
    .record({
      name,
      isClean: fc.boolean(),
      will: fc.option(fc.record({ qos, retain: fc.boolean() }), { nil: null }),
    })
    .map((how) =>
      step(`connect ${shown(how)}`, how.name, any, async (slot, world) => {
        const topic = slot.topics[1] ?? ''
        const payload = world.payload()
        const will = how.will && { ...how.will, topic, payload }
        await world.connect(slot, { isClean: how.isClean, will })
      }),
    ),
  fc
    .record({
      name,
      wanted: fc.array(fc.record({ filter: pick, qos }), { minLength: 1, maxLength: 3 }),
    })
    .map((how) =>
      step(`subscribe ${shown(how)}`, how.name, isConnected, async (slot, world) => {
        const wanted = how.wanted.map(({ filter, qos: granted }) => ({
          topic: at(slot.filters, filter),
          qos: granted,
        }))
        await world.subscribe(slot, wanted)
      }),
    ),
  fc
    .record({ name, filter: pick })
    .map((how) =>
      step(`unsubscribe ${shown(how)}`, how.name, isConnected, (slot, world) =>
        world.unsubscribe(slot, at(slot.filters, how.filter)),
      ),
    ),
  ...[1, 2, 3].map(() =>
    fc
      .record({ name, message })
      .map((how) =>
        step(`publish ${shown(how)}`, how.name, isConnected, (slot, world) =>
          world.publish(slot, messageOf(slot, world, how.message)),
        ),
      ),
  ),
  fc
    .record({ name, message })
    .map((how) =>
      step(`publish half ${shown(how)}`, how.name, isConnected, (slot, world) =>
        world.publishHalf(slot, { ...messageOf(slot, world, how.message), qos: 2, retain: false }),
      ),
    ),
  fc.record({ name, isRelease: fc.boolean() }).map((how) =>
    step(`go on with a half ${shown(how)}`, how.name, hasHalf, async (slot, world) => {
      const [id = 0] = slot.session.unreleased.keys()
      await (how.isRelease ? world.release(slot, id) : world.repeatHalf(slot, id))
    }),
  ),
  fc.record({ name, acks: fc.constantFrom<Acks>('all', 'none', 'no_pubcomp') }).map((how) =>
    step(`acknowledge ${shown(how)}`, how.name, isConnected, (slot) => {
      slot.acks = how.acks
      return Promise.resolve()
    }),
  ),
  name.map((slotName) =>
    step(`disconnect ${slotName}`, slotName, isConnected, (slot, world) => world.disconnect(slot)),
  ),
  fc
    .record({ name, how: fc.constantFrom('socket', 'end', 'protocol' as const) })
    .map((how) =>
      step(`break off ${shown(how)}`, how.name, isConnected, (slot, world) =>
        world.breakOff(slot, how.how),
      ),
    ),
  name.map((slotName) =>
    step(`connect and break off ${slotName}`, slotName, isKept, (slot, world) =>
      world.connectAndBreak(slot),
    ),
  ),
  fc
    .record({
      name,
      publisher: name,
      isDropped: fc.boolean(),
      qos: fc.array(qos, { minLength: 1, maxLength: 30 }),
    })
    .map((how) => connectAmid(how)),
]

export const sessionSteps = fc.commands([...steps], { maxCommands: 100, size: 'max' })

interface Amid {
  readonly name: string
  readonly publisher: string
  readonly isDropped: boolean
  readonly qos: readonly Qos[]
}

function connectAmid(how: Amid): Step {
  const { publisher: publisherName, isDropped } = how
  const mayRace = (slot: Slot, world: World) => {
    const publisher = slotOf(world, publisherName)
    return (
      slot !== publisher &&
      publisher.client !== null &&
      !slot.session.isClean &&
      slot.session.filters.size > 0
    )
  }
  return step(`connect amid publishes ${shown(how)}`, how.name, mayRace, async (slot, world) => {
    const publisher = slotOf(world, publisherName)
    const messages = how.qos.map((one) => ({
      topic: at(publisher.topics, 0),
      payload: world.payload(),
      qos: one,
      retain: false,
    }))
    await world.connectAmid(slot, publisher, { messages, isDropped })
  })
}

type Condition = (slot: Slot, world: World) => boolean

const any: Condition = () => true
const isConnected: Condition = ({ client }) => client !== null
const isKept: Condition = ({ session }) => !session.isClean
const hasHalf: Condition = ({ client, session }) => client !== null && session.unreleased.size > 0

function step(
  text: string,
  slotName: string,
  isPossible: Condition,
  run: (slot: Slot, world: World) => Promise<void>,
): Step {
  return {
    check: ({ world }) => isPossible(slotOf(world, slotName), world),
    async run({ onStep }, world) {
      await run(slotOf(world, slotName), world)
      await world.settle()
      onStep()
    },
    toString: () => text,
  }
}

function messageOf(
  slot: Slot,
  world: World,
  given: { topic: number; qos: Qos; retain: boolean; isEmpty: boolean },
) {
  const isEmpty = given.retain && given.isEmpty
  const payload = isEmpty ? '' : world.payload()
  return { topic: at(slot.topics, given.topic), payload, qos: given.qos, retain: given.retain }
}

function slotOf(world: World, slotName: string): Slot {
  const slot = world.slots.find((one) => one.name === slotName)
  if (!slot) throw new Error(`no client ${slotName}`)
  return slot
}

function at(list: readonly string[], index: number): string {
  return list[index % list.length] ?? ''
}

function shown(value: object): string {
  return JSON.stringify(value)
}
