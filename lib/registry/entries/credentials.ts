import type { StatementSync } from 'node:sqlite'
import { randomId, randomSecret } from '#lib/runtime/random.ts'
import { transaction } from '#lib/runtime/sqlite.ts'
import { tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import { invalid, missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { hashName, msOf, type StoredCredential } from '../memory/memory.ts'
import type { Account, Credential, Credentials, NewCredential } from '../registry.ts'
import { NO_HASH, hashSecret, isSameHash } from './secrets.ts'

/** Of one device; a new one beyond it removes the oldest. */
const MAX_CREDENTIALS = 32

export class CredentialTable implements Credentials {
  readonly #context: RegistryContext
  readonly #overlapMs: number
  readonly #insert: StatementSync
  readonly #shorten: StatementSync
  readonly #remove: StatementSync

  constructor(context: RegistryContext, overlapMs: number) {
    const { db } = context
    this.#context = context
    this.#overlapMs = overlapMs
    this.#insert = db.prepare(
      'INSERT INTO credentials (id, device, hash, valid_from, valid_to) VALUES (?, ?, ?, ?, ?)',
    )
    this.#shorten = db.prepare('UPDATE credentials SET valid_to = ? WHERE id = ?')
    this.#remove = db.prepare('DELETE FROM credentials WHERE id = ?')
  }

  list(device: FullId): readonly Credential[] {
    const { memory, requireOpen } = this.#context
    requireOpen()
    if (!memory.devices.has(device)) throw missing('device', device)
    return (memory.credentials.get(device) ?? []).map(withoutHash)
  }

  create(device: FullId, options: { readonly validTo?: string | null } = {}): NewCredential {
    const { memory, clock, requireFresh, changed } = this.#context
    requireFresh()
    if (!memory.devices.has(device)) throw missing('device', device)
    const fromMs = nowMs(clock)
    const password = randomSecret('pbd_')
    const added = stored(device, { password, fromMs, toMs: endOf(options.validTo, fromMs) })
    const older = memory.credentials.get(device) ?? []
    const isValid = ({ validToMs }: StoredCredential) => validToMs > fromMs
    const kept = older.filter(isValid).slice(1 - MAX_CREDENTIALS)
    const removed = older.filter((credential) => !kept.includes(credential))
    const shortened = kept.map((credential) => endingBy(credential, fromMs + this.#overlapMs))
    this.#save({ added, removed, shortened })
    memory.credentials.set(device, [...shortened, added])
    // Removing a credential that had ended before closes no connection.
    const revoked = removed.some(isValid) || !shortened.every(isValid)
    const affects = revoked ? { tenant: tenantOf(device), device } : null
    changed({ table: 'credentials', id: added.id, affects })
    return { ...withoutHash(added), username: device, password }
  }

  delete(id: string): void {
    const { db, memory, requireFresh, changed } = this.#context
    requireFresh()
    const found = [...memory.credentials.values()].flat().find((one) => one.id === id)
    if (!found) throw missing('credential', id)
    const { device } = found
    transaction(db, () => this.#remove.run(id))
    const rest = memory.credentials.get(device)?.filter((one) => one.id !== id) ?? []
    memory.credentials.set(device, rest)
    const affects = { tenant: tenantOf(device), device }
    changed({ table: 'credentials', id, affects })
  }

  authenticate(username: string, password: string): Account | null {
    const { requireOpen, requireFresh } = this.#context
    requireOpen()
    const hash = hashSecret(password)
    const match = () =>
      this.#deviceAccount(username, hash) ?? this.#applicationAccount(username, hash)
    const account = match()
    if (account) return account
    // Another process may just have made it.
    requireFresh()
    return match()
  }

  #save({ added, removed, shortened }: CredentialChange): void {
    transaction(this.#context.db, () => {
      for (const { id } of removed) this.#remove.run(id)
      for (const { id, validTo } of shortened) this.#shorten.run(validTo, id)
      this.#insert.run(added.id, added.device, added.hash, added.validFrom, added.validTo)
    })
  }

  /** Compares with every credential, and with a void one if there is none: the time reveals nothing. */
  #deviceAccount(username: string, hash: Uint8Array): Account | null {
    const { memory, clock } = this.#context
    const known = memory.credentials.get(username) ?? []
    const atMs = nowMs(clock)
    let accepted = false
    for (const { hash: expected, validToMs } of known) {
      const same = isSameHash(hash, expected)
      accepted = (same && atMs < validToMs) || accepted
    }
    if (known.length === 0) isSameHash(hash, NO_HASH)
    const device = memory.devices.get(username)
    if (!accepted || !device) return null
    return { type: 'device', id: device.id, tenant: device.tenant, device }
  }

  /** An application signs in with its tenant's id and its key. */
  #applicationAccount(username: string, hash: Uint8Array): Account | null {
    const key = this.#context.memory.keysByHash.get(hashName(hash))
    if (key?.role !== 'application' || key.tenant !== username) return null
    return { type: 'application', id: key.id, tenant: username }
  }
}

interface CredentialChange {
  readonly added: StoredCredential
  readonly removed: readonly StoredCredential[]
  readonly shortened: readonly StoredCredential[]
}

interface Validity {
  readonly password: string
  readonly fromMs: number
  readonly toMs: number
}

function stored(device: FullId, { password, fromMs, toMs }: Validity): StoredCredential {
  return {
    id: randomId(),
    device,
    validFrom: isoOfMs(fromMs),
    validTo: toMs === Infinity ? null : isoOfMs(toMs),
    hash: hashSecret(password),
    validToMs: toMs,
  }
}

function endingBy(credential: StoredCredential, endMs: number): StoredCredential {
  if (credential.validToMs <= endMs) return credential
  return { ...credential, validTo: isoOfMs(endMs), validToMs: endMs }
}

function endOf(validTo: string | null | undefined, fromMs: number): number {
  if (validTo === undefined || validTo === null) return Infinity
  const endMs = parsed(validTo)
  if (endMs !== null && endMs > fromMs) return endMs
  throw invalid('validTo', {
    expected: 'a time after now in ISO 8601 with zone',
    got: validTo,
    todo: 'write it like 2030-01-31T12:00:00Z, or leave it out for no end',
  })
}

function parsed(iso: string): number | null {
  try {
    return msOf(iso)
  } catch {
    // Not a time with zone: the caller says so.
    return null
  }
}

export function withoutHash({ id, device, validFrom, validTo }: StoredCredential): Credential {
  return { id, device, validFrom, validTo }
}
