import { TLSSocket } from 'node:tls'
import { CONNACK_CODES } from '#lib/mqtt/connect.ts'
import type { Directory } from '#lib/registry/topics/directory.ts'
import type { Account, Registry } from '#lib/registry/registry.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import type { Will } from '../aedes/aedes-client.ts'
import type { Connection } from '../connections/connection.ts'
import type { ConnectionLimit } from '../connections/connections.ts'
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
  readonly registry: Pick<Registry, 'credentials' | 'devices' | 'tenants'>
  readonly directory: Directory
  readonly intake: Pick<Intake, 'certificate'>
  readonly refusals: Refusals
  readonly metrics: Metrics
  readonly nowMs: () => number
  /** Which limit one more client with this scoped id would break. */
  readonly limitFor: (clientId: string) => ConnectionLimit | null
}

interface Refusal {
  readonly returnCode: number
  readonly reason: RefusalReason
  readonly text: string
}

/** Characters of a client id: each session and each line about it holds it. */
export const MAX_CLIENT_ID_LENGTH = 256
/** A will is kept in memory for as long as its connection lasts. */
export const MAX_WILL_BYTES = 16 * 1024
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
  readonly #options: Pick<BrokerOptions, 'maxTopicLevels'>

  constructor(deps: SignInDeps, options: Pick<BrokerOptions, 'maxTopicLevels'>) {
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
    return refusal(
      CONNACK_CODES.badCredentials,
      'credentials',
      `user name or password is wrong (user name ${this.#shownName(username)}); expected <tenant>.<device> with a valid ` +
        'password, or a tenant with an application key',
    )
  }

  /** A name of nobody is not shown: it may be a password that was typed in the wrong field. */
  #shownName(username: string | undefined): string {
    if (username === undefined) return 'none'
    const { devices, tenants } = this.#deps.registry
    if (devices.get(username) || tenants.get(username)) return username
    const tenant = username.slice(0, Math.max(0, username.indexOf('.')))
    return tenants.get(tenant) ? `${tenant}. and no device of it` : 'of nobody, not shown'
  }

  #certificateAccount(
    socket: Connection['socket'],
    username: string | undefined,
  ): Account | Refusal {
    const isTrusted = socket instanceof TLSSocket && socket.authorized
    const name = isTrusted ? commonNameOf(socket) : null
    if (name === null) {
      const got = username === undefined ? '' : ` (user name ${this.#shownName(username)})`
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
    if (client.id.length > MAX_CLIENT_ID_LENGTH) {
      const text =
        `expected a client id of at most ${MAX_CLIENT_ID_LENGTH} characters, got ` +
        `${client.id.length}; set a shorter one`
      return refusal(CONNACK_CODES.identifierRejected, 'client_id', text)
    }
    const limit = this.#deps.limitFor(scopedId(account, client.id))
    if (limit) {
      const { most, of, setting } = limit
      const text = `expected at most ${most} connections of the ${of}, got one more; raise ${setting}`
      return refusal(CONNACK_CODES.unavailable, 'connections', text)
    }
    return client._will ? this.#willProblem(account, client._will) : null
  }

  #willProblem(account: Account, { topic, payload }: Will): Refusal | null {
    const problem = (text: string) => refusal(CONNACK_CODES.notAuthorized, 'will', text)
    if (payload.length > MAX_WILL_BYTES) {
      const text = `expected a will of at most ${MAX_WILL_BYTES} bytes, got ${payload.length}`
      return problem(`${text}; send a shorter one`)
    }
    if (this.#mayLeaveWill(account, topic)) return null
    const shown = topic.slice(0, MAX_SHOWN_TOPIC)
    return problem(`this account may not leave a will on ${shown}; see docs/devices.md`)
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
