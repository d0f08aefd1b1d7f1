import type { StatementSync } from 'node:sqlite'
import { randomId, randomSecret } from '#lib/runtime/random.ts'
import { transaction } from '#lib/runtime/sqlite.ts'
import { forgetKey, hashName, rememberKey, type Memory, type StoredKey } from '../memory/memory.ts'
import type { ApiKey, ApiKeys, NewApiKey, RegistryChange } from '../registry.ts'
import { ROLES, type Role } from '#lib/access/policy.ts'
import { checkName, conflict, invalid, missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { hashSecret } from './secrets.ts'

/** Roles that see one tenant; the others see parts of all and belong to none. */
const TENANT_ROLES: readonly Role[] = ['tenant-operator', 'tenant-viewer', 'application']
const MIN_KEY_LENGTH = 16

/** What a key is for. */
type Purpose = Pick<ApiKey, 'role' | 'tenant' | 'name'>

export class KeyTable implements ApiKeys {
  readonly #context: RegistryContext
  readonly #insert: StatementSync
  readonly #remove: StatementSync

  constructor(context: RegistryContext) {
    this.#context = context
    this.#insert = context.db.prepare(
      `INSERT INTO keys (id, hash, role, tenant, name, created_at, ensured)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#remove = context.db.prepare('DELETE FROM keys WHERE id = ?')
  }

  list(): readonly ApiKey[] {
    this.#context.requireOpen()
    return this.#context.memory.keys.list().map(withoutHash)
  }

  create(given: Purpose): NewApiKey {
    const { memory, requireFresh } = this.#context
    requireFresh()
    checkPurpose(given, memory)
    const key = randomSecret('pbk_')
    const made = this.#newKey(key, given, false)
    this.#replace([], made)
    return { ...withoutHash(made), key }
  }

  /** A key ensured earlier for the same purpose is deleted: a changed setting must not leave it valid. */
  ensure(key: string, given: Purpose): ApiKey {
    const { memory, requireFresh } = this.#context
    requireFresh()
    checkPurpose(given, memory)
    checkLength(key)
    const known = memory.keysByHash.get(hashName(hashSecret(key)))
    if (known) requireSame(known, given)
    const entry = known ?? this.#newKey(key, given, true)
    const older = memory.keys
      .list()
      .filter((one) => one.ensured && one !== known && isFor(one, given))
    this.#replace(older, known ? null : entry)
    return withoutHash(entry)
  }

  delete(id: string): void {
    this.#context.requireFresh()
    const key = this.#context.memory.keys.get(id)
    if (!key) throw missing('key', id)
    this.#replace([key], null)
  }

  authenticate(key: string): ApiKey | null {
    const { memory, requireOpen, requireFresh } = this.#context
    requireOpen()
    // Found by its hash: the time of the look-up depends on the hash and reveals nothing of the key.
    const hash = hashName(hashSecret(key))
    // Another process may just have made it.
    if (!memory.keysByHash.has(hash)) requireFresh()
    const found = memory.keysByHash.get(hash)
    return found ? withoutHash(found) : null
  }

  #replace(removed: readonly StoredKey[], added: StoredKey | null): void {
    const { db, memory, changed } = this.#context
    transaction(db, () => {
      for (const { id } of removed) this.#remove.run(id)
      if (!added) return
      const { id, hash, role, tenant, name, createdAt, ensured } = added
      this.#insert.run(id, hash, role, tenant, name, createdAt, ensured ? 1 : 0)
    })
    for (const key of removed) forgetKey(memory, key)
    if (added) rememberKey(memory, added)
    for (const key of removed) changed(revocationOf(key))
    if (added) changed({ table: 'keys', id: added.id, affects: null })
  }

  #newKey(key: string, { role, tenant, name }: Purpose, ensured: boolean): StoredKey {
    const createdAt = isoOfMs(nowMs(this.#context.clock))
    return { id: randomId(), role, tenant, name, createdAt, hash: hashSecret(key), ensured }
  }
}

/** Only applications hold connections; sessions of the API look at table and id. */
export function revocationOf({ id, role, tenant }: StoredKey): RegistryChange {
  const affects = role === 'application' && tenant !== null ? { tenant, device: null } : null
  return { table: 'keys', id, affects }
}

function checkLength(key: string): void {
  if (key.length >= MIN_KEY_LENGTH) return
  throw invalid('key', {
    expected: `at least ${MIN_KEY_LENGTH} characters`,
    got: `${key.length} characters`,
    todo: 'take a generated key',
  })
}

function checkPurpose({ role, tenant, name }: Purpose, memory: Memory): void {
  checkName(name)
  if (!ROLES.includes(role)) {
    throw invalid('role', {
      expected: `one of ${ROLES.join(', ')}`,
      got: role,
      todo: 'choose one of these',
    })
  }
  if (!TENANT_ROLES.includes(role)) {
    if (tenant === null) return
    throw invalid('tenant', {
      expected: `no tenant: ${role} is not bound to one`,
      got: tenant,
      todo: `leave it out, or choose ${TENANT_ROLES.join(', ')}`,
    })
  }
  if (tenant !== null && memory.tenants.has(tenant)) return
  throw invalid('tenant', {
    expected: `a registered tenant for role ${role}`,
    got: tenant,
    todo: 'create the tenant first, or correct its id',
  })
}

function requireSame(known: StoredKey, wanted: Purpose): void {
  if (known.role === wanted.role && known.tenant === wanted.tenant) return
  throw conflict(
    `expected a key of its own for ${wanted.role}, got the key "${known.name}" of role ` +
      `${known.role}; take another key`,
    'key',
  )
}

function isFor(key: Purpose, { role, tenant, name }: Purpose): boolean {
  return key.role === role && key.tenant === tenant && key.name === name
}

function withoutHash({ id, role, tenant, name, createdAt }: StoredKey): ApiKey {
  return { id, role, tenant, name, createdAt }
}
