import { randomId, randomSecret } from '#lib/runtime/random.ts'
import { transaction } from '#lib/runtime/sqlite.ts'
import { tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import { invalid, missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { hashName, msOf, type StoredCredential } from './index/memory.ts'
import type { Account, Credential, Credentials } from './registry.ts'
import { NO_HASH, hashSecret, isSameHash } from './secrets.ts'

/** Of one device; a new one above it drives the oldest out. */
const MOST_CREDENTIALS = 32

export function createCredentials(context: RegistryContext, overlapMs: number): Credentials {
  const { db, memory, clock, requireOpen, requireFresh, changed } = context
  const insert = db.prepare(
    'INSERT INTO credentials (id, device, hash, valid_from, valid_to) VALUES (?, ?, ?, ?, ?)',
  )
  const limit = db.prepare('UPDATE credentials SET valid_to = ? WHERE id = ?')
  const remove = db.prepare('DELETE FROM credentials WHERE id = ?')

  return { list, create, delete: revoke, authenticate }

  function list(device: FullId): readonly Credential[] {
    requireOpen()
    if (!memory.devices.has(device)) throw missing('device', device)
    return (memory.credentials.get(device) ?? []).map(withoutHash)
  }

  function create(device: FullId, options: { readonly validTo?: string | null } = {}) {
    requireFresh()
    if (!memory.devices.has(device)) throw missing('device', device)
    const fromMs = nowMs(clock)
    const password = randomSecret('pbd_')
    const made = stored(device, { password, fromMs, toMs: endOf(options.validTo, fromMs) })
    const older = memory.credentials.get(device) ?? []
    const kept = older.filter(({ validToMs }) => validToMs > fromMs).slice(1 - MOST_CREDENTIALS)
    const gone = older.filter((credential) => !kept.includes(credential))
    const shortened = kept.map((credential) => endingBy(credential, fromMs + overlapMs))
    transaction(db, () => {
      for (const { id } of gone) remove.run(id)
      for (const { id, validTo } of shortened) limit.run(validTo, id)
      insert.run(made.id, device, made.hash, made.validFrom, made.validTo)
    })
    memory.credentials.set(device, [...shortened, made])
    // Those that had ended before are only cleared away: no connection is to suffer from it.
    const isValid = ({ validToMs }: StoredCredential) => validToMs > fromMs
    const revoked = gone.some(isValid) || !shortened.every(isValid)
    const affects = revoked ? { tenant: tenantOf(device), device } : null
    changed({ table: 'credentials', id: made.id, affects })
    return { ...withoutHash(made), username: device, password }
  }

  function revoke(id: string): void {
    requireFresh()
    const found = [...memory.credentials.values()].flat().find((one) => one.id === id)
    if (!found) throw missing('credential', id)
    const { device } = found
    transaction(db, () => remove.run(id))
    const rest = memory.credentials.get(device)?.filter((one) => one.id !== id) ?? []
    memory.credentials.set(device, rest)
    const affects = { tenant: tenantOf(device), device }
    changed({ table: 'credentials', id, affects })
  }

  function authenticate(username: string, password: string): Account | null {
    requireOpen()
    const hash = hashSecret(password)
    const match = () => deviceAccount(username, hash) ?? applicationAccount(username, hash)
    const account = match()
    if (account) return account
    // Another process may have made it a moment ago: nobody is refused for that.
    requireFresh()
    return match()
  }

  /** Looks at every credential, and at a void one if there is none: the time tells nothing. */
  function deviceAccount(username: string, hash: Uint8Array): Account | null {
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
  function applicationAccount(username: string, hash: Uint8Array): Account | null {
    const key = memory.keysByHash.get(hashName(hash))
    if (key?.role !== 'application' || key.tenant !== username) return null
    return { type: 'application', id: key.id, tenant: username }
  }
}

interface Made {
  readonly password: string
  readonly fromMs: number
  readonly toMs: number
}

function stored(device: FullId, { password, fromMs, toMs }: Made): StoredCredential {
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
