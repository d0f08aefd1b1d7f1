import { TLSSocket } from 'node:tls'
import type { Directory } from '#lib/registry/index/directory.ts'
import type { Account, Registry } from '#lib/registry/registry.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { certificateOf, commonNameOf } from './client-certificate.ts'
import type { Connection } from '../connections/connection.ts'
import type { RefusalReason, Refusals } from './refusals.ts'
import { levelsOf, prefixOf } from './tenant-topics.ts'

export interface Credentials {
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
}

/** Null: signed in; otherwise the CONNACK return code. */
export type SignIn = (connection: Connection, credentials: Credentials) => number | null

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

export interface SignInOptions {
  readonly maxConnections: number
  readonly maxTopicLevels: number
}

const [IDENTIFIER_REJECTED, UNAVAILABLE, BAD_CREDENTIALS, NOT_AUTHORIZED] = [2, 3, 4, 5]

interface Refusal {
  readonly returnCode: number
  readonly reason: RefusalReason
  readonly text: string
}

/**
 * Who stands behind a CONNECT. The client id becomes part of the account here, before Aedes looks for a
 * session or for an older connection with the same id: it keys both by client id alone, so that another
 * tenant could take them over.
 */
export function createSignIn(deps: SignInDeps, options: SignInOptions): SignIn {
  const { registry, directory, intake, refusals, metrics, nowMs, hasRoom } = deps

  return (connection, credentials) => {
    const account = accountOf(connection, credentials)
    const refusal = 'returnCode' in account ? account : problemOf(connection, account)
    if (refusal) {
      refusals.note(connection, refusal.reason, refusal.text)
      return refusal.returnCode
    }
    if ('returnCode' in account) return account.returnCode
    connection.account = account
    connection.prefix = prefixOf(account.tenant)
    connection.expiresAtMs = expiryOf(registry, account, nowMs())
    Object.assign(connection.client, { id: scopedId(account, connection.client.id) })
    if (account.type === 'device') {
      const seen = certificateOf(connection.socket, nowMs())
      const signedIn = credentials.password === undefined
      intake.certificate(account.id, seen && { ...seen, signedIn })
    }
    metrics.count('padborg_mqtt_connects_total')
    return null
  }

  function accountOf(connection: Connection, credentials: Credentials): Account | Refusal {
    const { username, password } = credentials
    if (password === undefined) return certificateAccount(connection, username)
    const account =
      username === undefined
        ? null
        : registry.credentials.authenticate(username, Buffer.from(password).toString())
    if (account) return account
    const name = username === undefined ? 'none' : username.slice(0, 130)
    return refusal(
      BAD_CREDENTIALS,
      'credentials',
      `user name or password is wrong (user name ${name}); expected <tenant>.<device> with a valid ` +
        'password, or a tenant with an application key',
    )
  }

  function certificateAccount(
    { socket }: Connection,
    username: string | undefined,
  ): Account | Refusal {
    const hasVerified = socket instanceof TLSSocket && socket.authorized
    const name = hasVerified ? commonNameOf(socket) : null
    if (name === null) {
      const given = username === undefined ? '' : ` (user name ${username.slice(0, 130)})`
      const text = `no password came${given}, and no valid client certificate; set one of both`
      return refusal(BAD_CREDENTIALS, 'credentials', text)
    }
    const device = registry.devices.get(name)
    if (device && (username === undefined || username === name)) {
      return { type: 'device', id: device.id, tenant: device.tenant, device }
    }
    const text =
      `the client certificate names ${name.slice(0, 130)}; expected the full id of a device, ` +
      'and the same user name or none'
    return refusal(NOT_AUTHORIZED, 'certificate', text)
  }

  function problemOf(connection: Connection, account: Account): Refusal | null {
    const { client, emptyClientId } = connection
    if (emptyClientId && !client.clean) {
      const text =
        'an empty client id came with a persistent session [MQTT-3.1.3-8]; set a client id'
      return refusal(IDENTIFIER_REJECTED, 'client_id', text)
    }
    if (!hasRoom(scopedId(account, client.id))) {
      return refusal(
        UNAVAILABLE,
        'connections',
        `there are ${options.maxConnections} connections already; raise PADBORG_MQTT_MAX_CONNECTIONS`,
      )
    }
    const topic = client._will?.topic
    if (topic === undefined || mayLeave(account, topic)) return null
    const text = `this account may not leave a will on ${topic.slice(0, 200)}; see docs/devices.md`
    return refusal(NOT_AUTHORIZED, 'will', text)
  }

  function mayLeave(account: Account, topic: string): boolean {
    const role = levelsOf(topic) > options.maxTopicLevels ? null : directory.resolve(account, topic)
    return role?.role === 'intake' || role?.role === 'command'
  }
}

/** Ids of tenants and devices hold neither `.`, `#` nor `/`: no two accounts share a scope. */
export function scopeOf(account: Account): string {
  return account.type === 'device' ? account.id : `${account.tenant}#${account.id}`
}

/** When the first of the credentials that are valid now ends: the one that signed in may be it. */
export function expiryOf(
  registry: Pick<Registry, 'credentials' | 'devices'>,
  account: Account,
  nowMs: number,
): number {
  if (account.type !== 'device' || !registry.devices.get(account.id)) return Infinity
  const ends = registry.credentials
    .list(account.id)
    .map(({ validTo }) =>
      validTo === null ? Infinity : Temporal.Instant.from(validTo).epochMilliseconds,
    )
  return Math.min(...ends.filter((endMs) => endMs > nowMs), Infinity)
}

function scopedId(account: Account, clientId: string): string {
  return `${scopeOf(account)}/${clientId}`
}

function refusal(returnCode: number, reason: RefusalReason, text: string): Refusal {
  return { returnCode, reason, text }
}
