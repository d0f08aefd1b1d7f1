import type { MqttClient } from 'mqtt'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Random } from '#lib/runtime/random.ts'
import type { Actor, ProbeResult } from '../actors/actor.ts'
import type { Outgoing } from '../messages/outgoing.ts'
import type { Delay } from '../models/delay-profile.ts'
import { createAir, type Air } from './air.ts'
import { connectDevice, publish } from './connection.ts'
import {
  createClockExchange,
  createProbeExchange,
  type ClockExchange,
  type ProbeExchange,
} from './exchanges.ts'
import type { SignIn } from './registrar.ts'

/** An actor, and how it takes part in a run. */
export interface Part {
  readonly actor: Actor
  readonly signIn: SignIn
  /** How far the device's clock is ahead. */
  readonly clockAheadMs: number
  readonly keepsClock: boolean
  /** How often it measures a round trip; null for never. */
  readonly probeEveryMs: number | null
}

export interface Session {
  /** Stops acting, publishes the last messages of the actor, and disconnects cleanly. */
  stop(): Promise<void>
}

export interface SessionDeps {
  readonly url: string
  readonly clock: Clock
  readonly random: Random
  /** Called for each acknowledged message. */
  readonly acknowledged: () => void
}

const CLOCK_EVERY_MS = 30_000
/** The second exchange reports the first: the clock of a new device is known within seconds. */
const FIRST_CLOCKS_MS = [500, 1500]
const MAX_FIRST_PAUSE_MS = 10_000
/** Messages a device keeps while it has no network; beyond it the oldest is dropped, as in a real tracker. */
const MAX_BACKLOG = 3600
/** Messages uploaded at once when there is service again. */
const UPLOAD = 20

/** Connects a device and lets it act in real time until it is stopped. */
export async function openSession(part: Part, deps: SessionDeps): Promise<Session> {
  const { actor, signIn } = part
  const client = await connectDevice({
    url: deps.url,
    signIn,
    clientId: actor.device,
    will: actor.will?.(Number(deviceNs(part, deps.clock) / 1_000_000n)),
    reconnectMs: 2000 + deps.random.integer(0, 2000),
  })
  const session = new DeviceSession(client, part, deps)
  await session.start()
  return session
}

class DeviceSession implements Session {
  readonly #client: MqttClient
  readonly #part: Part
  readonly #deps: SessionDeps
  readonly #air: Air
  readonly #clocks: ClockExchange
  readonly #probes: ProbeExchange
  /** What the topics of the device begin with. */
  readonly #prefix: string
  readonly #timers: NodeJS.Timeout[] = []
  readonly #backlog: Outgoing[] = []
  #delay: Delay | null = null
  #lastMs: number

  constructor(client: MqttClient, part: Part, deps: SessionDeps) {
    const { clock } = deps
    this.#client = client
    this.#part = part
    this.#deps = deps
    this.#air = createAir(clock)
    this.#prefix = `padborg/v1/${part.actor.device.replace('.', '/')}/`
    this.#lastMs = this.#deviceMs()
    const exchange = {
      clock,
      deviceNs: () => deviceNs(part, clock),
      air: this.#air,
      send: (channel: string, payload: string) => client.publish(this.#prefix + channel, payload),
    }
    this.#clocks = createClockExchange(exchange)
    this.#probes = createProbeExchange(exchange, (result) => this.#report(result))
  }

  async start(): Promise<void> {
    const { keepsClock, probeEveryMs } = this.#part
    const clockTopic = `${this.#prefix}clock/response`
    const probeTopic = `${this.#prefix}probe/response`
    this.#client.on('connect', () => this.#announce())
    this.#client.on('message', (topic, payload) => {
      if (topic === clockTopic) this.#clocks.answered(payload.toString())
      if (topic === probeTopic) this.#probes.answered(payload.toString())
    })
    const topics = [
      ...(keepsClock ? [clockTopic] : []),
      ...(probeEveryMs === null ? [] : [probeTopic]),
    ]
    if (topics.length > 0) await this.#client.subscribeAsync(topics)
    this.#announce()
    this.#startTimers()
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#air.close()
    const client = this.#client
    if (client.connected) {
      const last = this.#part.actor.offlineMessages?.(this.#deviceMs()) ?? []
      await Promise.all(last.map((message) => publish(client, message)))
    }
    await client.endAsync(!client.connected)
  }

  #startTimers(): void {
    const { actor, keepsClock, probeEveryMs } = this.#part
    const firstPauseMs = this.#deps.random.integer(0, Math.min(actor.everyMs, MAX_FIRST_PAUSE_MS))
    const begin = () => this.#timers.push(setInterval(() => this.#act(), actor.everyMs))
    this.#timers.push(setTimeout(begin, firstPauseMs))
    this.#act()
    if (keepsClock) {
      const exchange = () => this.#whenReachable((delay) => this.#clocks.request(delay))
      this.#timers.push(...FIRST_CLOCKS_MS.map((afterMs) => setTimeout(exchange, afterMs)))
      this.#timers.push(setInterval(exchange, CLOCK_EVERY_MS))
    }
    if (probeEveryMs === null) return
    const probe = () => this.#whenReachable((delay) => this.#probes.request(delay))
    this.#timers.push(setTimeout(probe, 1000), setInterval(probe, probeEveryMs))
  }

  #whenReachable(request: (delay: Delay) => void): void {
    if (this.#delay && this.#client.connected) request(this.#delay)
  }

  #act(): void {
    const atMs = this.#deviceMs()
    const done = this.#part.actor.act(atMs, Math.max(0, atMs - this.#lastMs))
    this.#lastMs = atMs
    this.#delay = done.delay
    for (const message of done.outgoing) this.#offer(message)
    this.#whenReachable((delay) => this.#upload(delay))
  }

  #report(result: ProbeResult): void {
    const message = this.#part.actor.probed?.(result, this.#deviceMs())
    if (message) this.#offer(message)
  }

  #offer(message: Outgoing): void {
    const { connected } = this.#client
    if (this.#delay && connected && this.#backlog.length === 0) this.#send(message, this.#delay)
    else if (this.#backlog.push(message) > MAX_BACKLOG) this.#backlog.shift()
  }

  #upload({ uplinkMs }: Delay): void {
    for (const message of this.#backlog.splice(0, UPLOAD)) {
      this.#send(message, { uplinkMs, downlinkMs: 0 })
    }
  }

  #send(message: Outgoing, { uplinkMs }: Delay): void {
    if (uplinkMs === 0) void this.#deliver(message)
    else this.#air.carry(uplinkMs, () => void this.#deliver(message))
  }

  async #deliver(message: Outgoing): Promise<void> {
    if (!this.#client.connected) this.#backlog.push(message)
    else if (await publish(this.#client, message)) this.#deps.acknowledged()
  }

  #announce(): void {
    for (const message of this.#part.actor.onlineMessages?.(this.#deviceMs()) ?? []) {
      void publish(this.#client, message)
    }
  }

  #deviceMs(): number {
    return Number(deviceNs(this.#part, this.#deps.clock) / 1_000_000n)
  }
}

/** The time as the device has it. */
function deviceNs({ clockAheadMs }: Part, clock: Clock): bigint {
  return clock.nowNs() + BigInt(clockAheadMs) * 1_000_000n
}
