import { TLSSocket } from 'node:tls'
import { CONNACK_CODES } from '#lib/mqtt/connect.ts'
import type { Directory } from '#lib/registry/topics/directory.ts'
import type { Account, Registry } from '#lib/registry/registry.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import type { Connection } from '../connections/connection.ts'
import type { BrokerOptions } from '../options.ts'
import { certificateOf, commonNameOf } from './client-certificate.ts'
import { expiryOf } from './credential-expiry.ts'
import type { RefusalReason, Refusals } from './refusals.ts'
import { levelsOf, prefixOf } from './tenant-topics.ts'

export interface Credentials {
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
}

export interface SignInDeps {
  readonly registry: Pick<Registry, 'credentials' | 'devices'>
  readonly directory: Directory
  readonly intake: Pick<Intake, 'certificate'>
  readonly refusals: Refusals
  readonly metrics: Metrics
  readonly nowMs: () => number
  /** Whether there is room for one more client with this scoped id. */
  readonly hasRoom: (clientId: string) => boolean
}

interface Refusal {
  readonly returnCode: number
  readonly reason: RefusalReason
  readonly text: string
}

/** Characters of a name that a client gave, in a log line. */
const MAX_SHOWN_NAME = 130
const MAX_SHOWN_TOPIC = 200

/**
 * Finds the account of a CONNECT. The client id becomes part of the account here, before Aedes looks
 * for a session or for an older connection with the same id: Aedes keys both by client id alone, so
 * that another tenant could take them over.
 */
export class SignIn {
  readonly #deps: SignInDeps
  readonly #options: Pick<BrokerOptions, 'maxConnections' | 'maxTopicLevels'>

  constructor(deps: SignInDeps, options: Pick<BrokerOptions, 'maxConnections' | 'maxTopicLevels'>) {
    this.#deps = deps
    this.#options = options
  }

  /** Null: signed in; otherwise the return code of CONNACK. */
  signIn(connection: Connection, credentials: Credentials): number | null {
    const account = this.#accountOf(connection, credentials)
    if (isRefusal(account)) return this.#refuse(connection, account)
    const refusal = this.#problemOf(connection, account)
    if (refusal) return this.#refuse(connection, refusal)
    const { registry, metrics, nowMs } = this.#deps
    connection.account = account
    connection.prefix = prefixOf(account.tenant)
    connection.expiresAtMs = expiryOf(registry, account, nowMs())
    Object.assign(connection.client, { id: scopedId(account, connection.client.id) })
    this.#reportCertificate(connection, account, credentials)
    metrics.count('padborg_mqtt_connects_total')
    return null
  }

  #refuse(connection: Connection, { reason, text, returnCode }: Refusal): number {
    this.#deps.refusals.note(connection, reason, text)
    return returnCode
  }

  #reportCertificate({ socket }: Connection, account: Account, { password }: Credentials): void {
    if (account.type !== 'device') return
    const certificate = certificateOf(socket, this.#deps.nowMs())
    const signedIn = password === undefined
    this.#deps.intake.certificate(account.id, certificate && { ...certificate, signedIn })
  }

  #accountOf({ socket }: Connection, { username, password }: Credentials): Account | Refusal {
    const { credentials } = this.#deps.registry
    if (password === undefined) return this.#certificateAccount(socket, username)
    const account =
      username === undefined
        ? null
        : credentials.authenticate(username, Buffer.from(password).toString())
    if (account) return account
    const name = username === undefined ? 'none' : username.slice(0, MAX_SHOWN_NAME)
    return refusal(
      CONNACK_CODES.badCredentials,
      'credentials',
      `user name or password is wrong (user name ${name}); expected <tenant>.<device> with a valid ` +
        'password, or a tenant with an application key',
    )
  }

  #certificateAccount(
    socket: Connection['socket'],
    username: string | undefined,
  ): Account | Refusal {
    const isTrusted = socket instanceof TLSSocket && socket.authorized
    const name = isTrusted ? commonNameOf(socket) : null
    if (name === null) {
      const got = username === undefined ? '' : ` (user name ${username.slice(0, MAX_SHOWN_NAME)})`
      const text =
        `expected a password or a client certificate of a trusted authority, got neither${got}; ` +
        'set one of them'
      return refusal(CONNACK_CODES.badCredentials, 'credentials', text)
    }
    const device = this.#deps.registry.devices.get(name)
    if (device && (username === undefined || username === name)) {
      return { type: 'device', id: device.id, tenant: device.tenant, device }
    }
    const text =
      `the client certificate names ${name.slice(0, MAX_SHOWN_NAME)}; expected the full id of a ` +
      'device, and the same user name or none'
    return refusal(CONNACK_CODES.notAuthorized, 'certificate', text)
  }

  #problemOf({ client, emptyClientId }: Connection, account: Account): Refusal | null {
    if (emptyClientId && !client.clean) {
      const text =
        'expected a client id for a persistent session, got an empty one [MQTT-3.1.3-8]; set one'
      return refusal(CONNACK_CODES.identifierRejected, 'client_id', text)
    }
    if (!this.#deps.hasRoom(scopedId(account, client.id))) {
      const text =
        `expected at most ${this.#options.maxConnections} connections, got one more; raise ` +
        'PADBORG_MQTT_MAX_CONNECTIONS'
      return refusal(CONNACK_CODES.unavailable, 'connections', text)
    }
    const topic = client._will?.topic
    if (topic === undefined || this.#mayLeaveWill(account, topic)) return null
    const shown = topic.slice(0, MAX_SHOWN_TOPIC)
    const text = `this account may not leave a will on ${shown}; see docs/devices.md`
    return refusal(CONNACK_CODES.notAuthorized, 'will', text)
  }

  #mayLeaveWill(account: Account, topic: string): boolean {
    if (levelsOf(topic) > this.#options.maxTopicLevels) return false
    const role = this.#deps.directory.resolve(account, topic)?.role
    return role === 'intake' || role === 'command'
  }
}

/** Ids of tenants and devices hold neither `.`, `#` nor `/`: no two accounts share a scope. */
export function scopeOf(account: Account): string {
  return account.type === 'device' ? account.id : `${account.tenant}#${account.id}`
}

function scopedId(account: Account, clientId: string): string {
  return `${scopeOf(account)}/${clientId}`
}

function isRefusal(account: Account | Refusal): account is Refusal {
  return 'returnCode' in account
}

function refusal(returnCode: number, reason: RefusalReason, text: string): Refusal {
  return { returnCode, reason, text }
}
