import { repeat, type Abuse } from '../abuse.ts'
import { connectMqtt, nextPacketId, type MqttClient } from '../mqtt-client.ts'
import { deviceTopic, type Place } from '../place.ts'

interface Message {
  readonly topic: string
  readonly payload: string | Buffer
}

interface Flood {
  readonly connections: number
  readonly qos: 0 | 1 | 2
  readonly message: (place: Place, n: number, lane: number) => Message
}

/** Publishes over connections of the tenant's devices, each as fast as it is read. */
async function flood(place: Place, signal: AbortSignal, { connections, qos, message }: Flood) {
  const clients = new Map<number, MqttClient | null>()
  const attempts = await repeat(signal, connections, async (n, lane) => {
    const account = place.devices[lane % place.devices.length]
    if (!account) throw new Error('expected a device')
    let client = clients.get(lane) ?? null
    if (!client || client.socket.destroyed) {
      client = await connectMqtt(place, account)
      clients.set(lane, client)
    }
    const packet = { cmd: 'publish', qos, retain: false, dup: false } as const
    const id = qos > 0 ? { messageId: nextPacketId() } : {}
    return (await client?.send({ ...packet, ...id, ...message(place, n, lane) }))
      ? 'taken'
      : 'refused'
  })
  for (const client of clients.values()) client?.destroy()
  return attempts
}

const flooding =
  (what: Flood): Abuse['run'] =>
  (place, signal) =>
    flood(place, signal, what)

const reading = (n: number) =>
  `{"v":1,"kind":"truck","ts":${Date.now()},"seq":${n},"data":{"speedKmh":${n % 90}}}`

const telemetry =
  (payload: (n: number) => string | Buffer): Flood['message'] =>
  (place, n, lane) => ({ topic: deviceTopic(place, lane, 'telemetry'), payload: payload(n) })

export const publishingQos0: Abuse = {
  name: 'publishing qos 0',
  summary: 'readings at QoS 0 over 48 connections, as fast as they are read',
  run: flooding({ connections: 48, qos: 0, message: telemetry(reading) }),
}

export const publishingQos1: Abuse = {
  name: 'publishing qos 1',
  summary: 'readings at QoS 1 over 48 connections, as fast as they are read',
  run: flooding({ connections: 48, qos: 1, message: telemetry(reading) }),
}

export const unreleasedQos2: Abuse = {
  name: 'unreleased qos 2',
  summary: 'readings at QoS 2 that are never released',
  run: flooding({ connections: 8, qos: 2, message: telemetry(reading) }),
}

export const channels: Abuse = {
  name: 'channels',
  summary: 'a device that publishes each message on a topic of its own',
  run: flooding({
    connections: 1,
    qos: 0,
    message: ({ tenant }, n) => ({ topic: `${tenant}/ch/${n}/${n * 7}`, payload: reading(n) }),
  }),
}

const ONES = `[${'1,'.repeat(130_000)}1]`
export const badElements: Abuse = {
  name: 'bad elements',
  summary: 'arrays of 130 000 elements, each of which is a rejection',
  run: flooding({ connections: 4, qos: 1, message: telemetry(() => ONES) }),
}

const NAMES = `{"v":1,"kind":"truck","data":{${Array.from({ length: 15_000 }, (_, n) => `"unknown${n}":${n}`).join(',')},"speedKmh":1}}`
export const unknownNames: Abuse = {
  name: 'unknown names',
  summary: 'objects with 15 000 unknown field names',
  run: flooding({ connections: 4, qos: 1, message: telemetry(() => NAMES) }),
}

export const probing: Abuse = {
  name: 'probing',
  summary: 'probe requests of 64 KiB and clock requests, as fast as they are read',
  run: flooding({
    connections: 8,
    qos: 0,
    message: (at, n, lane) => ({
      topic: deviceTopic(at, lane, n % 2 ? 'probe/request' : 'clock/request'),
      payload: n % 2 ? Buffer.alloc(60 * 1024, 'p') : `{"id":${n},"t1":"1764000000000000000"}`,
    }),
  }),
}
