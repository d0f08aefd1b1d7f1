import type { EventEmitter } from 'node:events'
import { Aedes, type AedesOptions } from 'aedes'
import { CONNACK_CODES } from '#lib/mqtt/connect.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { SignIn } from '../access/authenticate.ts'
import type { SubscribeRights } from '../access/subscribe-rights.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { BrokerOptions } from '../options.ts'
import type { Qos2Messages } from '../publish/qos2-messages.ts'
import type { SlowSubscribers } from '../publish/slow-subscribers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Subscribing } from '../sessions/subscribing.ts'
import type { Will } from './aedes-client.ts'
import type { Emitter } from './emitter.ts'
import { NO_SUBSCRIPTION, createPersistence } from './persistence.ts'

/** Levels that Aedes' own checks and our matcher take; one of them is the tenant. */
export const MAX_SCOPED_LEVELS = 100

export interface AedesDeps {
  readonly connections: Connections
  readonly emitter: Emitter
  readonly sessions: Sessions
  readonly subscribing: Subscribing
  readonly signIn: SignIn
  readonly rights: SubscribeRights
  readonly slow: SlowSubscribers
  readonly qos2: Qos2Messages
  readonly onWill: (connection: Connection, will: Will) => void
  readonly log: Log
}

type AuthenticateDone = Parameters<NonNullable<AedesOptions['authenticate']>>[3]
type Hooks = Required<
  Pick<
    AedesOptions,
    'preConnect' | 'authenticate' | 'authorizeSubscribe' | 'authorizePublish' | 'authorizeForward'
  >
>

/** Aedes with sign-in, rights, sessions and subscribers of ours. */
export async function startAedes(
  deps: AedesDeps,
  limits: Pick<BrokerOptions, 'connectTimeoutMs' | 'drainTimeoutMs'>,
): Promise<Aedes> {
  const { connections, emitter, sessions, subscribing, rights, qos2, log } = deps
  const mayKeep = (client: object, filter: string) => {
    const connection = connections.of(client)
    return connection !== undefined && rights.mayRead(connection, filter)
  }
  const isClosed = (client: object) => connections.of(client)?.stream.destroyed !== false
  const isUnfinished = (id: string) => qos2.isUnfinished(id)
  const aedes = await Aedes.createBroker({
    mq: emitter,
    persistence: createPersistence({
      sessions,
      subscribing,
      mayKeep,
      isUnfinished,
      isClosed,
    }),
    connectTimeout: limits.connectTimeoutMs,
    drainTimeout: limits.drainTimeoutMs,
    maxTopicLevels: MAX_SCOPED_LEVELS,
    ...hooksOf(deps),
  })
  // Its types do not know this event.
  const events: EventEmitter = aedes
  events.on('error', (error: Error) =>
    log.error({ err: error }, 'the MQTT broker reports an error'),
  )
  aedes.on('client', ({ id }) => connections.signedIn(id))
  aedes.on('subscribe', (subscriptions, client) => {
    const connection = connections.of(client)
    if (connection) subscribing.granted(connection, subscriptions)
  })
  aedes.on('clientDisconnect', ({ id }) => connections.signedOut(id))
  return aedes
}

/** What Aedes calls before it lets a client in, subscribe, publish or receive. */
function hooksOf({ connections, signIn, rights, slow, onWill }: AedesDeps): Hooks {
  return {
    preConnect(client, packet, done) {
      const connection = connections.of(client)
      if (connection) connection.emptyClientId = packet.clientId === ''
      done(null, connection !== undefined)
    },
    authenticate(client, username, password, done) {
      const connection = connections.of(client)
      const returnCode = connection
        ? signIn.signIn(connection, { username, password })
        : CONNACK_CODES.notAuthorized
      if (returnCode === null) done(null, true)
      else done(...refused(returnCode))
    },
    authorizeSubscribe(client, subscription, done) {
      if (subscription === NO_SUBSCRIPTION) return done(null, null)
      const connection = connections.of(client)
      const isGranted = connection ? rights.grant(connection, subscription.topic) : false
      done(null, isGranted ? subscription : null)
    },
    /** Only wills come here: messages go past Aedes. The error keeps it from publishing by itself. */
    authorizePublish(client, packet, done) {
      const connection = connections.of(client)
      if (connection) onWill(connection, willOf(packet))
      done(new Error('a will goes through the intake'))
    },
    authorizeForward(client, packet) {
      const connection = connections.of(client)
      return connection && slow.admit(connection, packet) ? packet : null
    },
  }
}

function refused(returnCode: number): Parameters<AuthenticateDone> {
  const error = Object.assign(new Error('the sign-in was refused'), { returnCode })
  return [error, false]
}

function willOf(packet: Omit<Will, 'payload'> & { payload: string | Buffer }): Will {
  const { topic, qos, retain } = packet
  return { topic, qos, retain, payload: Buffer.from(packet.payload) }
}
