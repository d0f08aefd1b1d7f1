import { setTimeout as pause } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import type { Clock } from '#lib/runtime/clock.ts'
import { WIRED } from '../actors/actor.ts'
import type { Outgoing } from '../messages/outgoing.ts'
import { createAir } from '../run/air.ts'
import type { Api } from '../run/api.ts'
import { connectDevice, publish } from '../run/connection.ts'
import { deliveryOf, finalDelivery } from '../run/delivery.ts'
import { createClockExchange } from '../run/exchanges.ts'
import { inParallel, type SignIn } from '../run/registrar.ts'
import type { Member, Scenario } from '../scenarios/scenario.ts'
import { createAcknowledgements, type Acknowledgements } from './acknowledgements.ts'
import { runOpenLoop } from './open-loop.ts'
import { registerAll } from './registered.ts'
import { reportOf, type LoadReport } from './report.ts'

export interface SimulateOptions {
  readonly scenario: Scenario
  readonly mqttUrl: string
  readonly tenant: string
  readonly mark: string
  readonly devices: number
  readonly rate: number
  readonly seconds: number
  readonly seed: number
}

export interface SimulateDeps {
  readonly api: Api
  readonly clock: Clock
  /** Stops sending early; the devices are deleted in any case. */
  readonly signal: AbortSignal
  /** Progress, for people. */
  readonly print: (line: string) => void
}

const CONNECT_AT_ONCE = 20
const CLOCK_EVERY_MS = 30_000
const MAX_ACK_WAIT_MS = 30_000
const DRAIN_MS = 60_000

/** Registers a fleet, lets it send at a rate, compares the delivery counts, deletes the fleet. */
export async function simulate(options: SimulateOptions, deps: SimulateDeps): Promise<LoadReport> {
  const { scenario, tenant, mark, seed, devices } = options
  const { api, clock, print } = deps
  const startMs = Number(clock.nowNs() / 1_000_000n)
  const context = { tenant, mark, seed, startMs }
  const members = Array.from({ length: devices }, (_, at) => scenario.member(at, context))
  print(`Registering ${devices} devices of ${tenant} (${mark}-...).`)
  const registered = await registerAll(
    api,
    members.map(({ device }) => device),
    print,
  )
  try {
    return await load(members, registered.signIns, options, deps)
  } finally {
    print('Removing the devices.')
    await registered.remove()
  }
}

async function load(
  members: readonly Member[],
  signIns: readonly SignIn[],
  options: SimulateOptions,
  deps: SimulateDeps,
): Promise<LoadReport> {
  const { api, clock, print, signal } = deps
  const ids = new Set(members.map(({ actor }) => actor.device))
  const before = await deliveryOf(api, ids)
  const turnMs = (members.length / options.rate) * 1000
  const senders = await inParallel(members, CONNECT_AT_ONCE, async (member, at) => {
    const signIn = signIns[at]
    if (!signIn) throw new RangeError(`no credential for device ${at}`)
    return await openSender(member, { signIn, turnMs, url: options.mqttUrl, clock })
  })
  print(`Connected. Sending ${options.rate} messages per second for ${options.seconds} s.`)
  const acks = createAcknowledgements()
  const progress = setInterval(() => print(progressLine(acks)), 1000)
  try {
    const loop = await runOpenLoop({ ...options, clock, signal }, (slot, plannedNs) => {
      // Slots belong to the devices in turn.
      for (const message of senders[slot % senders.length]?.next() ?? []) {
        void deliver(senders[slot % senders.length]?.client, message, { acks, clock, plannedNs })
      }
    })
    await awaitAcknowledgements(acks, clock)
    print(progressLine(acks))
    const after = await finalDelivery(api, ids, { clock, deadlineMs: DRAIN_MS })
    return reportOf({ acks, before, after, maxLagMs: loop.maxLagMs })
  } finally {
    clearInterval(progress)
    for (const sender of senders) sender.stop()
    await inParallel(senders, CONNECT_AT_ONCE, ({ client }) => client.endAsync(true))
  }
}

interface Sender {
  readonly client: MqttClient
  next(): readonly Outgoing[]
  stop(): void
}

async function openSender(
  { actor, clockAheadMs }: Member,
  deps: { signIn: SignIn; turnMs: number; url: string; clock: Clock },
): Promise<Sender> {
  const { signIn, turnMs, url, clock } = deps
  const client = await connectDevice({ url, signIn, clientId: actor.device, reconnectMs: 0 })
  const deviceNs = () => clock.nowNs() + BigInt(clockAheadMs) * 1_000_000n
  const own = `padborg/v1/${actor.device.replace('.', '/')}/`
  const send = (channel: string, payload: string) => client.publish(own + channel, payload)
  const air = createAir(clock)
  const clocks = createClockExchange({ clock, deviceNs, air, send })
  client.on('message', (_topic, payload) => clocks.answered(payload.toString()))
  await client.subscribeAsync(`${own}clock/response`)
  const exchange = () => client.connected && clocks.request(WIRED)
  exchange()
  const timers = [setTimeout(exchange, 1000), setInterval(exchange, CLOCK_EVERY_MS)]
  return {
    client,
    next: () => actor.act(Number(deviceNs() / 1_000_000n), turnMs).outgoing,
    stop() {
      air.close()
      for (const timer of timers) clearInterval(timer)
    },
  }
}

async function deliver(
  client: MqttClient | undefined,
  message: Outgoing,
  { acks, clock, plannedNs }: { acks: Acknowledgements; clock: Clock; plannedNs: bigint },
): Promise<void> {
  acks.sent()
  if (client && (await publish(client, message))) acks.acknowledged(clock.monoNs() - plannedNs)
  else acks.failed()
}

async function awaitAcknowledgements(acks: Acknowledgements, clock: Clock): Promise<void> {
  const endNs = clock.monoNs() + BigInt(MAX_ACK_WAIT_MS) * 1_000_000n
  while (acks.inFlight > 0 && clock.monoNs() < endNs) await pause(20)
}

function progressLine({ counts, inFlight }: Acknowledgements): string {
  const { sent, acknowledged, failed } = counts
  const lost = failed > 0 ? `, ${failed} failed` : ''
  return `${sent} sent, ${acknowledged} acknowledged, ${inFlight} in flight${lost}`
}
