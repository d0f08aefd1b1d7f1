import type { StatementSync } from 'node:sqlite'
import { transaction } from '#lib/runtime/sqlite.ts'
import { forgetKey } from '../memory/memory.ts'
import type { MergeDocument, Tenant, Tenants } from '../registry.ts'
import { checkId, checkName, conflict, missing, requireSame } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { mergePatch } from './merge-patch.ts'

export class TenantTable implements Tenants {
  readonly #context: RegistryContext
  readonly #insert: StatementSync
  readonly #change: StatementSync
  readonly #remove: StatementSync

  constructor(context: RegistryContext) {
    this.#context = context
    this.#insert = context.db.prepare('INSERT INTO tenants (id, name, created_at) VALUES (?, ?, ?)')
    this.#change = context.db.prepare('UPDATE tenants SET name = ? WHERE id = ?')
    this.#remove = context.db.prepare('DELETE FROM tenants WHERE id = ?')
  }

  list(): readonly Tenant[] {
    this.#context.requireOpen()
    return this.#context.memory.tenants.list()
  }

  get(id: string): Tenant | null {
    this.#context.requireOpen()
    return this.#context.memory.tenants.get(id)
  }

  create({ id, name }: Pick<Tenant, 'id' | 'name'>): Tenant {
    const { db, memory, clock, requireFresh, changed } = this.#context
    requireFresh()
    checkId(id)
    checkName(name)
    if (memory.tenants.has(id)) {
      throw conflict(`tenant "${id}" exists already; use it, or choose another id`)
    }
    const tenant = { id, name, createdAt: isoOfMs(nowMs(clock)) }
    transaction(db, () => this.#insert.run(id, name, tenant.createdAt))
    memory.tenants.set(id, tenant)
    changed({ table: 'tenants', id, affects: null })
    return tenant
  }

  update(id: string, patch: MergeDocument): Tenant {
    const { db, memory, requireFresh, changed } = this.#context
    requireFresh()
    const before = memory.tenants.get(id)
    if (!before) throw missing('tenant', id)
    const { id: newId, name } = mergePatch({ id, name: before.name }, patch)
    requireSame('id', newId, id)
    checkName(name)
    const tenant = { ...before, name }
    transaction(db, () => this.#change.run(name, id))
    memory.tenants.set(id, tenant)
    changed({ table: 'tenants', id, affects: null })
    return tenant
  }

  delete(id: string): void {
    const { db, memory, requireFresh, changed } = this.#context
    requireFresh()
    if (!memory.tenants.has(id)) throw missing('tenant', id)
    const devices = memory.devices.list().filter(({ tenant }) => tenant === id).length
    if (devices > 0) {
      throw conflict(`tenant "${id}" still has ${devices} devices; delete those first`)
    }
    const sites = memory.sites.list().filter(({ tenant }) => tenant === id)
    const keys = memory.keys.list().filter(({ tenant }) => tenant === id)
    transaction(db, () => this.#remove.run(id))
    for (const site of sites) memory.sites.delete(site.id)
    for (const key of keys) forgetKey(memory, key)
    memory.tenants.delete(id)
    memory.topics.delete(id)
    const affects = { tenant: id, device: null }
    for (const key of keys) changed({ table: 'keys', id: key.id, affects })
    for (const site of sites) changed({ table: 'sites', id: site.id, affects: null })
    changed({ table: 'tenants', id, affects })
  }
}
