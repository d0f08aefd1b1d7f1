import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { messageOf } from '#lib/runtime/errors.ts'
import type { Outgoing } from '../messages/outgoing.ts'
import { RefusedError } from '#lib/runtime/command.ts'
import type { SignIn } from './registrar.ts'

export interface ConnectionOptions {
  /** For example mqtt://127.0.0.1:1883. */
  readonly url: string
  readonly signIn: SignIn
  readonly clientId: string
  readonly will?: Outgoing | undefined
  /** 0: give up when the connection is lost. */
  readonly reconnectMs: number
}

/** Connects, or throws `RefusedError` saying why not. */
export async function connectDevice(options: ConnectionOptions): Promise<MqttClient> {
  const client = connect(options.url, clientOptions(options))
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve())
      client.once('error', reject)
      client.once('close', () => reject(new Error('the connection was closed')))
    })
  } catch (error) {
    client.end(true)
    const who = options.signIn.username
    throw new RefusedError(`${options.url}: ${who} could not connect: ${messageOf(error)}`, {
      cause: error,
    })
  }
  // Later failures show as 'close'; mqtt.js connects again by itself when it may.
  client.on('error', () => {})
  return client
}

function clientOptions({ signIn, clientId, will, reconnectMs }: ConnectionOptions): IClientOptions {
  return {
    ...signIn,
    clientId,
    clean: true,
    keepalive: 15,
    connectTimeout: 20_000,
    reconnectPeriod: reconnectMs,
    ...(will ? { will: { topic: will.topic, payload: will.payload, qos: 1, retain: true } } : {}),
  }
}

/** Publishes with QoS 1; resolves with true at the PUBACK, false when it will never come. */
export function publish(client: MqttClient, message: Outgoing): Promise<boolean> {
  const { topic, payload, retain = false } = message
  return new Promise((resolve) => {
    client.publish(topic, payload, { qos: 1, retain }, (error) => resolve(!error))
  })
}
