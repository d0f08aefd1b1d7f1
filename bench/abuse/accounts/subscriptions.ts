import type { Abuse } from '../abuse.ts'
import { repeat } from '../abuse.ts'
import { connectMqtt, nextPacketId, type MqttClient } from '../mqtt-client.ts'
import { deviceTopic, type Place } from '../place.ts'

/** How long retained messages are stored before they are asked for. */
const STORING_MS = 1000

/** As many as a packet may hold. */
const FILTERS = 900

function filters({ tenant }: Place, n: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `padborg/v1/${tenant}/+/c${n}-${at}/#`)
}

/** One connection that is made again when it is lost. */
async function withClient(
  place: Place,
  signal: AbortSignal,
  attempt: (client: MqttClient, n: number) => Promise<boolean>,
) {
  let client: MqttClient | null = null
  const attempts = await repeat(signal, 1, async (n) => {
    if (!client || client.socket.destroyed) client = await connectMqtt(place, place.application)
    return client && (await attempt(client, n)) ? 'taken' : 'refused'
  })
  ;(client as MqttClient | null)?.destroy()
  return attempts
}

export const subscribing: Abuse = {
  name: 'subscribing',
  summary: `subscribes and unsubscribes ${FILTERS} filters at a time`,
  run: (place, signal) =>
    withClient(place, signal, async (client, n) => {
      const topics = filters(place, n, FILTERS)
      await client.send({
        cmd: 'subscribe',
        messageId: nextPacketId(),
        subscriptions: topics.map((topic) => ({ topic, qos: 0 })),
      })
      return await client.send({
        cmd: 'unsubscribe',
        messageId: nextPacketId(),
        unsubscriptions: [...topics],
      })
    }),
}

export const retainedStorm: Abuse = {
  name: 'retained storm',
  summary: 'stores small retained messages, then subscribes 100 filters again and again',
  async run(place, signal) {
    const writer = await connectMqtt(place, place.application)
    // Half of the time is for what follows.
    const end = performance.now() + STORING_MS
    for (let n = 0; n < 48_000 && performance.now() < end; n += 1) {
      const topic = `padborg/v1/${place.tenant}/d1/r/${n % 100}/${n}`
      const packet = {
        cmd: 'publish',
        topic,
        payload: 'r',
        qos: 0,
        retain: true,
        dup: false,
      } as const
      if (!(await writer?.send(packet))) break
    }
    writer?.destroy()
    return await withClient(place, signal, (client) =>
      client.send({
        cmd: 'subscribe',
        messageId: nextPacketId(),
        subscriptions: Array.from({ length: 100 }, (_, at) => ({
          topic: `padborg/v1/${place.tenant}/+/r/${at}/+`,
          qos: 0,
        })),
      }),
    )
  },
}

export const retainedBytes: Abuse = {
  name: 'retained bytes',
  summary: 'stores retained messages of 256 KiB on ever new topics',
  async run(place, signal) {
    const payload = Buffer.alloc(256 * 1024, 'r')
    return await withClient(place, signal, (client, n) =>
      client.send({
        cmd: 'publish',
        topic: `padborg/v1/${place.tenant}/d1/big/${n}`,
        payload,
        qos: 0,
        retain: true,
        dup: false,
      }),
    )
  },
}

export const frozenSubscriber: Abuse = {
  name: 'frozen subscriber',
  summary: 'subscribes to all of its tenant, reads nothing, and publishes',
  async run(place, signal) {
    const frozen = await connectMqtt(place, place.application)
    await frozen?.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: `padborg/v1/${place.tenant}/#`, qos: 0 }],
    })
    frozen?.socket.pause()
    const payload = JSON.stringify({
      v: 1,
      kind: 'truck',
      data: { speedKmh: 1 },
      x: 'x'.repeat(4000),
    })
    const attempts = await withClient(place, signal, (client) =>
      client.send({
        cmd: 'publish',
        topic: deviceTopic(place, 1, 'orders'),
        payload,
        qos: 0,
        retain: false,
        dup: false,
      }),
    )
    frozen?.destroy()
    return attempts
  },
}

export const offlineQueue: Abuse = {
  name: 'offline queue',
  summary: 'publishes to a persistent session that is offline, QoS 1',
  async run(place, signal) {
    const session = await connectMqtt(place, place.application, { clean: false, clientId: 'away' })
    await session?.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: `padborg/v1/${place.tenant}/#`, qos: 1 }],
    })
    session?.socket.end()
    const payload = Buffer.alloc(16 * 1024, 'q')
    return await withClient(place, signal, (client) =>
      client.send({
        cmd: 'publish',
        messageId: nextPacketId(),
        topic: deviceTopic(place, 1, 'orders'),
        payload,
        qos: 1,
        retain: false,
        dup: false,
      }),
    )
  },
}
