import type { EventEmitter } from 'node:events'
import { Aedes, type AedesOptions } from 'aedes'
import type { Log } from '#lib/runtime/log.ts'
import type { Will } from './aedes-client.ts'
import type { SignIn } from '../access/authenticate.ts'
import type { Clients } from '../connections/clients.ts'
import type { Connection } from '../connections/connection.ts'
import type { Emitter } from './emitter.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SlowSubscribers } from '../publish/slow-subscribers.ts'
import type { SubscribeRights } from '../access/subscribe-rights.ts'

/** Levels that Aedes' own checks and our matcher take; one of them is the tenant. */
export const MOST_SCOPED_LEVELS = 100

export interface AedesDeps {
  readonly clients: Clients
  readonly emitter: Emitter
  readonly sessions: Sessions
  readonly signIn: SignIn
  readonly rights: SubscribeRights
  readonly slow: SlowSubscribers
  readonly will: (connection: Connection, will: Will) => void
  readonly log: Log
}

interface AedesLimits {
  readonly connectTimeoutMs: number
  readonly drainTimeoutMs: number
}

type AuthenticateDone = Parameters<NonNullable<AedesOptions['authenticate']>>[3]

/** Aedes with its questions answered by our parts. */
export async function startAedes(deps: AedesDeps, limits: AedesLimits): Promise<Aedes> {
  const { clients, emitter, sessions, signIn, rights, slow, log } = deps
  const aedes = await Aedes.createBroker({
    mq: emitter,
    persistence: sessions.persistence,
    connectTimeout: limits.connectTimeoutMs,
    drainTimeout: limits.drainTimeoutMs,
    maxTopicLevels: MOST_SCOPED_LEVELS,
    preConnect(client, packet, done) {
      const connection = clients.of(client)
      if (connection) connection.emptyClientId = packet.clientId === ''
      done(null, connection !== undefined)
    },
    authenticate(client, username, password, done) {
      const connection = clients.of(client)
      const returnCode = connection ? signIn(connection, { username, password }) : NOT_AUTHORIZED
      if (returnCode === null) done(null, true)
      else done(...refused(returnCode))
    },
    authorizeSubscribe(client, subscription, done) {
      const connection = clients.of(client)
      const isGranted = connection ? rights.grant(connection, subscription.topic) : false
      done(null, isGranted ? subscription : null)
    },
    /** Only wills come here: messages go past Aedes. The error keeps it from publishing by itself. */
    authorizePublish(client, packet, done) {
      const connection = clients.of(client)
      if (connection) deps.will(connection, asWill(packet))
      done(new Error('a will goes through the intake'))
    },
    authorizeForward(client, packet) {
      const connection = clients.of(client)
      return connection && slow.admit(connection, packet) ? packet : null
    },
  })
  // Its types do not know this event.
  const events: EventEmitter = aedes
  events.on('error', (error: Error) =>
    log.error({ err: error }, 'the MQTT broker reports an error'),
  )
  aedes.on('client', ({ id }) => clients.ids.add(id))
  aedes.on('clientDisconnect', ({ id }) => clients.ids.delete(id))
  return aedes
}

const NOT_AUTHORIZED = 5

function refused(returnCode: number): Parameters<AuthenticateDone> {
  const error = Object.assign(new Error('the sign-in was refused'), { returnCode })
  return [error, false]
}

function asWill(packet: Omit<Will, 'payload'> & { payload: string | Buffer }): Will {
  const { topic, qos, retain } = packet
  return { topic, qos, retain, payload: Buffer.from(packet.payload) }
}
