import type { Random } from '#lib/runtime/random.ts'
import type { Outgoing } from '../messages/outgoing.ts'
import {
  connectionMessage,
  stateMessage,
  visualizationMessage,
  type ConnectionState,
  type RobotName,
} from '../messages/vda5050.ts'
import { startRadio, stepRadio, type RadioMap } from '../models/radio.ts'
import type { Place } from '../models/route.ts'
import { startRobot, stepRobot, type Hall } from '../models/robot.ts'
import { createSequence, type Actor } from './actor.ts'

export interface RobotActorOptions {
  readonly device: string
  readonly name: RobotName
  /** Topic levels in front of `state`, `visualization` and `connection`. */
  readonly prefix: string
  readonly hall: Hall
  /** Position of the hall. */
  readonly place: Place
  readonly map: RadioMap
  readonly random: Random
  /** The first header ids depend on it. */
  readonly startMs: number
  readonly everyMs?: number
  /** Longest pause between two states; 30 s is what VDA 5050 allows. */
  readonly stateEveryMs?: number
  readonly visualization?: boolean
  /** Sends only at one in so many steps. */
  readonly sendsEvery?: number
}

const STATE_EVERY_MS = 25_000

/** A robot that speaks VDA 5050 2.1. */
export function createRobotActor(options: RobotActorOptions): Actor {
  const { device, name, prefix, hall, place, map, random, everyMs = 1000 } = options
  const { stateEveryMs = STATE_EVERY_MS, visualization = true, sendsEvery = 1 } = options
  const first = firstHeaderId(options.startMs)
  const nextState = createSequence(first)
  const nextVisualization = createSequence(first)
  const nextConnection = createSequence(first)
  let robot = startRobot(hall, random)
  let radio = startRadio()
  let sinceStateMs = Infinity
  let steps = 0

  return {
    device,
    everyMs,
    will: (atMs) => connection('CONNECTIONBROKEN', atMs),
    onlineMessages: (atMs) => [connection('ONLINE', atMs)],
    offlineMessages: (atMs) => [connection('OFFLINE', atMs)],
    act(atMs, dtMs) {
      const step = stepRobot(robot, { hall }, dtMs, random)
      robot = step.state
      const air = stepRadio(radio, { map, place }, dtMs, random)
      radio = air.state
      sinceStateMs += dtMs
      steps += 1
      const outgoing: Outgoing[] = []
      if (steps % sendsEvery !== 0) return { outgoing, delay: air.output.delay }
      if (step.output.isEvent || sinceStateMs >= stateEveryMs) {
        sinceStateMs = 0
        const header = { headerId: nextState(), atMs }
        const payload = stateMessage(name, header, step.output)
        outgoing.push({ topic: `${prefix}/state`, payload })
      }
      if (visualization && step.output.driving) {
        const header = { headerId: nextVisualization(), atMs }
        const payload = visualizationMessage(name, header, step.output)
        outgoing.push({ topic: `${prefix}/visualization`, payload })
      }
      return { outgoing, delay: air.output.delay }
    },
  }

  function connection(state: ConnectionState, atMs: number): Outgoing {
    const payload = connectionMessage(name, { headerId: nextConnection(), atMs }, state)
    return { topic: `${prefix}/connection`, payload, retain: true }
  }
}

/**
 * After a restart the numbers continue above the earlier ones, as long as the robot sent less than ten
 * messages a second; so no number is used twice.
 */
function firstHeaderId(startMs: number): number {
  return Math.floor(startMs / 100) % 2 ** 32
}
