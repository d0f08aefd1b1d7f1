import type { Device } from '#lib/registry/registry.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { SilenceRow } from '#lib/telemetry/live.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { presenceOf } from '../formats/vda5050/presence.ts'

/*
 * A robot of VDA 5050 sends `state` at least every 30 s (2.1 clause 6.10, 3.0 clause 6.6), and its
 * `connection` is no health check: a robot that is ONLINE and sends no `state` for longer is stuck
 * although its connection works. What it said of its connection holds for that connection, and a
 * restart of the platform ends it, so nothing of this is saved.
 */

export interface SilenceDeps {
  readonly device: (id: FullId) => Device | null
  readonly limitNs: bigint
  /** When this process began: what was not heard before it is no silence. */
  readonly startedNs: bigint
}

interface Robot {
  readonly device: FullId
  readonly name: string
  online: boolean
  /** When the present ONLINE began; a repeated one changes nothing. */
  onlineNs: bigint
  connectionPosition: number
  stateNs: bigint
  stateTopic: string | null
  silence: SilenceRow | null
}

/** Robots known by their connection; one beyond them is not watched. */
const MAX_ROBOTS = 100_000
/** Robots that one device may speak for. */
const MAX_PER_DEVICE = 1000

/** Tells from the messages of the journal which robots are ONLINE and send no `state`. */
export class SilenceWatch {
  readonly #deps: SilenceDeps
  readonly #robots = new Map<FullId, Map<string, Robot>>()
  #known = 0
  #heardSinceNs: bigint

  constructor(deps: SilenceDeps) {
    this.#deps = deps
    this.#heardSinceNs = deps.startedNs
  }

  /** Each message of the journal, in its order; one that is read again changes nothing. */
  heard(messages: readonly JournaledMessage[]): void {
    for (const message of messages) {
      if (!message.origin && this.#isWatched(message.device)) this.#take(message)
    }
  }

  /** Begins and ends of silence since the last look, given that all was heard up to `nowNs`. */
  look(nowNs: bigint): readonly SilenceRow[] {
    const changes: SilenceRow[] = []
    for (const [id, ofDevice] of this.#robots) {
      const stays = this.#isWatched(id)
      for (const robot of ofDevice.values()) {
        const change = stays ? this.#changeOf(robot, nowNs) : ended(robot, nowNs)
        if (change) changes.push(change)
      }
      if (stays) continue
      this.#robots.delete(id)
      this.#known -= ofDevice.size
    }
    return changes
  }

  /** The platform read from no publisher until this time: nothing heard before it is no silence. */
  ignoreBefore(timeNs: bigint): void {
    this.#heardSinceNs = timeNs
  }

  /** The silences that last. */
  lasting(device?: FullId): readonly SilenceRow[] {
    const known = device === undefined ? this.#robots.values() : [this.#robots.get(device)]
    return [...known].flatMap((ofDevice) =>
      [...(ofDevice?.values() ?? [])].flatMap(({ silence }) => silence ?? []),
    )
  }

  #isWatched(id: FullId): boolean {
    return this.#deps.device(id)?.format === 'vda5050'
  }

  #take(message: JournaledMessage): void {
    const presence = presenceOf(message)
    if (!presence) return
    const robot = this.#robotOf(message.device, presence.robot)
    if (!robot) return
    const { receivedAtNs, position, topic } = message
    if (presence.says === 'state') {
      if (receivedAtNs < robot.stateNs) return
      robot.stateNs = receivedAtNs
      robot.stateTopic = topic
    } else if (position > robot.connectionPosition) {
      robot.connectionPosition = position
      if (presence.says === 'online' && !robot.online) robot.onlineNs = receivedAtNs
      robot.online = presence.says === 'online'
    }
  }

  #robotOf(id: FullId, name: string): Robot | null {
    const ofDevice = this.#robots.get(id) ?? new Map<string, Robot>()
    const found = ofDevice.get(name)
    if (found) return found
    if (this.#known >= MAX_ROBOTS || ofDevice.size >= MAX_PER_DEVICE) return null
    const robot: Robot = {
      device: id,
      name,
      online: false,
      onlineNs: 0n,
      connectionPosition: 0,
      stateNs: 0n,
      stateTopic: null,
      silence: null,
    }
    this.#known += 1
    this.#robots.set(id, ofDevice.set(name, robot))
    return robot
  }

  /** Null while nothing changes. A state heard between two looks ends one silence; a next one is new. */
  #changeOf(robot: Robot, nowNs: bigint): SilenceRow | null {
    const { limitNs } = this.#deps
    const { silence, online, stateNs, onlineNs } = robot
    if (silence) {
      const lasts = online && latest(stateNs, onlineNs) <= silence.sinceNs
      return lasts ? null : ended(robot, nowNs)
    }
    const sinceNs = latest(stateNs, onlineNs, this.#heardSinceNs)
    if (!robot.online || nowNs - sinceNs <= limitNs) return null
    robot.silence = {
      device: robot.device,
      topic: robot.stateTopic ?? (robot.name === '' ? null : `${robot.name}/state`),
      sinceNs,
      limitS: Number(limitNs) / 1e9,
      ended: null,
    }
    return robot.silence
  }
}

function ended(robot: Robot, nowNs: bigint): SilenceRow | null {
  const { silence, stateNs } = robot
  if (!silence) return null
  robot.silence = null
  const isHeard = stateNs > silence.sinceNs
  const atNs = isHeard ? stateNs : nowNs
  return { ...silence, ended: { atNs, by: isHeard ? 'state' : 'connection' } }
}

function latest(...times: readonly bigint[]): bigint {
  return times.reduce((a, b) => (a > b ? a : b), 0n)
}
