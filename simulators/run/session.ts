import type { MqttClient } from 'mqtt'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Random } from '#lib/runtime/random.ts'
import type { Actor, ProbeResult } from '../actors/actor.ts'
import type { Outgoing } from '../messages/outgoing.ts'
import type { Delay } from '../models/delay-profile.ts'
import { createAir } from './air.ts'
import { connectDevice, publish } from './connection.ts'
import { createClockExchange, createProbeExchange } from './exchanges.ts'
import type { SignIn } from './registrar.ts'

/** An actor with what it needs to go on stage. */
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
  /** Stops acting, says goodbye, and disconnects in order. */
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
/** The second exchange hands over the first: a new device is known within seconds. */
const FIRST_CLOCKS_MS = [500, 1500]
/** What a device keeps while it has no network; then the oldest goes, as in a real tracker. */
const BACKLOG = 3600
/** Messages uploaded at once when there is service again. */
const UPLOAD = 20

/** Connects a device and lets it act in real time until it is stopped. */
export async function openSession(part: Part, deps: SessionDeps): Promise<Session> {
  const { actor, clockAheadMs } = part
  const { clock, random } = deps
  const deviceNs = () => clock.nowNs() + BigInt(clockAheadMs) * 1_000_000n
  const deviceMs = () => Number(deviceNs() / 1_000_000n)
  const client = await connectDevice({
    url: deps.url,
    signIn: part.signIn,
    clientId: actor.device,
    will: actor.will?.(deviceMs()),
    reconnectMs: 2000 + random.integer(0, 2000),
  })
  const air = createAir(clock)
  const backlog: Outgoing[] = []
  const own = `padborg/v1/${actor.device.replace('.', '/')}/`
  let delay: Delay | null = null
  let lastMs = deviceMs()
  const send = (channel: string, payload: string) => client.publish(own + channel, payload)
  const exchange = { clock, deviceNs, air, send }
  const clocks = createClockExchange(exchange)
  const probes = createProbeExchange(exchange, report)
  const timers: NodeJS.Timeout[] = []

  client.on('connect', () => greet(client, actor, deviceMs()))
  client.on('message', (topic, payload) => {
    if (topic === `${own}clock/response`) clocks.answered(payload.toString())
    if (topic === `${own}probe/response`) probes.answered(payload.toString())
  })
  const channels = [
    ...(part.keepsClock ? [`${own}clock/response`] : []),
    ...(part.probeEveryMs === null ? [] : [`${own}probe/response`]),
  ]
  if (channels.length > 0) await client.subscribeAsync(channels)
  greet(client, actor, deviceMs())
  startTimers()

  return {
    async stop() {
      for (const timer of timers) clearInterval(timer)
      air.close()
      if (client.connected) {
        await Promise.all(
          (actor.bye?.(deviceMs()) ?? []).map((message) => publish(client, message)),
        )
      }
      await client.endAsync(!client.connected)
    },
  }

  function startTimers(): void {
    const begin = setTimeout(
      () => timers.push(setInterval(act, actor.everyMs)),
      random.integer(0, Math.min(actor.everyMs, 10_000)),
    )
    timers.push(begin)
    act()
    const ask = () => delay && client.connected && clocks.ask(delay)
    if (part.keepsClock) {
      timers.push(...FIRST_CLOCKS_MS.map((afterMs) => setTimeout(ask, afterMs)))
      timers.push(setInterval(ask, CLOCK_EVERY_MS))
    }
    if (part.probeEveryMs === null) return
    const probe = () => delay && client.connected && probes.ask(delay)
    timers.push(setTimeout(probe, 1000), setInterval(probe, part.probeEveryMs))
  }

  function act(): void {
    const atMs = deviceMs()
    const done = actor.act(atMs, Math.max(0, atMs - lastMs))
    lastMs = atMs
    delay = done.delay
    for (const message of done.outgoing) offer(message)
    if (delay && client.connected) upload(delay)
  }

  function report(result: ProbeResult): void {
    const message = actor.probed?.(result, deviceMs())
    if (message) offer(message)
  }

  function offer(message: Outgoing): void {
    if (delay && client.connected && backlog.length === 0) put(message, delay)
    else if (backlog.push(message) > BACKLOG) backlog.shift()
  }

  function upload({ uplinkMs }: Delay): void {
    for (const message of backlog.splice(0, UPLOAD)) put(message, { uplinkMs, downlinkMs: 0 })
  }

  function put(message: Outgoing, { uplinkMs }: Delay): void {
    const deliver = async () => {
      if (!client.connected) backlog.push(message)
      else if (await publish(client, message)) deps.acknowledged()
    }
    if (uplinkMs === 0) void deliver()
    else air.carry(uplinkMs, () => void deliver())
  }
}

function greet(client: MqttClient, actor: Actor, atMs: number): void {
  for (const message of actor.hello?.(atMs) ?? []) void publish(client, message)
}
