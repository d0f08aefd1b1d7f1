import { randomId, randomSecret } from '#lib/runtime/random.ts'
import { transaction } from '#lib/runtime/sqlite.ts'
import { checkName, conflict, invalid, missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { forgetKey, hashName, rememberKey, type StoredKey } from './index/memory.ts'
import { ROLES, type ApiKey, type ApiKeys, type RegistryChange, type Role } from './registry.ts'
import { hashSecret } from './secrets.ts'

/** Roles that see one tenant; the others see parts of all and belong to none. */
const TENANT_ROLES: readonly Role[] = ['tenant-operator', 'tenant-viewer', 'application']
const SHORTEST_KEY = 16

type KeyFor = Pick<ApiKey, 'role' | 'tenant' | 'name'>

export function createKeys(context: RegistryContext): ApiKeys {
  const { db, memory, clock, requireOpen, requireFresh, changed } = context
  const insert = db.prepare(
    `INSERT INTO keys (id, hash, role, tenant, name, created_at, ensured)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const remove = db.prepare('DELETE FROM keys WHERE id = ?')

  return {
    list() {
      requireOpen()
      return memory.keys.list().map(withoutHash)
    },
    create(given) {
      requireFresh()
      checkKey(given)
      const key = randomSecret('pbk_')
      const made = stored(key, given, false)
      replace([], made)
      return { ...withoutHash(made), key }
    },
    /** A key ensured earlier for the same purpose goes: a changed setting must not leave it valid. */
    ensure(key, given) {
      requireFresh()
      checkKey(given)
      if (key.length < SHORTEST_KEY) {
        throw invalid('key', {
          expected: `at least ${SHORTEST_KEY} characters`,
          got: `${key.length} characters`,
          todo: 'take a generated key',
        })
      }
      const known = memory.keysByHash.get(hashName(hashSecret(key)))
      if (known) requireSame(known, given)
      const entry = known ?? stored(key, given, true)
      const older = memory.keys
        .list()
        .filter((one) => one.ensured && one !== known && isFor(one, given))
      replace(older, known ? null : entry)
      return withoutHash(entry)
    },
    delete(id) {
      requireFresh()
      const key = memory.keys.get(id)
      if (!key) throw missing('key', id)
      replace([key], null)
    },
    authenticate(key) {
      requireOpen()
      // Found by its hash: how long that takes tells about the hash, not about the key.
      const hash = hashName(hashSecret(key))
      // Another process may have made it a moment ago: nobody is refused for that.
      if (!memory.keysByHash.has(hash)) requireFresh()
      const found = memory.keysByHash.get(hash)
      return found ? withoutHash(found) : null
    },
  }

  function replace(gone: readonly StoredKey[], made: StoredKey | null): void {
    transaction(db, () => {
      for (const { id } of gone) remove.run(id)
      if (!made) return
      const { id, hash, role, tenant, name, createdAt, ensured } = made
      insert.run(id, hash, role, tenant, name, createdAt, ensured ? 1 : 0)
    })
    for (const key of gone) forgetKey(memory, key)
    if (made) rememberKey(memory, made)
    for (const key of gone) changed(revocationOf(key))
    if (made) changed({ table: 'keys', id: made.id, affects: null })
  }

  function stored(key: string, { role, tenant, name }: KeyFor, ensured: boolean): StoredKey {
    const createdAt = isoOfMs(nowMs(clock))
    return { id: randomId(), role, tenant, name, createdAt, hash: hashSecret(key), ensured }
  }

  function checkKey({ role, tenant, name }: KeyFor): void {
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
}

/** Only applications hold connections; sessions of the API look at table and id. */
export function revocationOf({ id, role, tenant }: StoredKey): RegistryChange {
  const affects = role === 'application' && tenant !== null ? { tenant, device: null } : null
  return { table: 'keys', id, affects }
}

function requireSame(known: StoredKey, wanted: KeyFor): void {
  if (known.role === wanted.role && known.tenant === wanted.tenant) return
  throw conflict(
    `expected a key of its own for ${wanted.role}, got the key "${known.name}" of role ` +
      `${known.role}; take another key`,
    'key',
  )
}

function isFor(key: KeyFor, { role, tenant, name }: KeyFor): boolean {
  return key.role === role && key.tenant === tenant && key.name === name
}

function withoutHash({ id, role, tenant, name, createdAt }: StoredKey): ApiKey {
  return { id, role, tenant, name, createdAt }
}
