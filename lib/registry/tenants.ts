import { transaction } from '#lib/runtime/sqlite.ts'
import { checkId, checkName, conflict, missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { forgetKey } from './index/memory.ts'
import type { Tenants } from './registry.ts'

export function createTenants(context: RegistryContext): Tenants {
  const { db, memory, clock, requireOpen, requireFresh, changed } = context
  const insert = db.prepare('INSERT INTO tenants (id, name, created_at) VALUES (?, ?, ?)')
  const remove = db.prepare('DELETE FROM tenants WHERE id = ?')

  return {
    list() {
      requireOpen()
      return memory.tenants.list()
    },
    get(id) {
      requireOpen()
      return memory.tenants.get(id)
    },
    create({ id, name }) {
      requireFresh()
      checkId(id)
      checkName(name)
      if (memory.tenants.has(id)) {
        throw conflict(`tenant "${id}" exists already; use it, or choose another id`)
      }
      const tenant = { id, name, createdAt: isoOfMs(nowMs(clock)) }
      transaction(db, () => insert.run(id, name, tenant.createdAt))
      memory.tenants.set(id, tenant)
      changed({ table: 'tenants', id, affects: null })
      return tenant
    },
    delete(id) {
      requireFresh()
      if (!memory.tenants.has(id)) throw missing('tenant', id)
      const devices = memory.devices.list().filter(({ tenant }) => tenant === id).length
      if (devices > 0) {
        throw conflict(`tenant "${id}" still has ${devices} devices; delete those first`)
      }
      const sites = memory.sites.list().filter(({ tenant }) => tenant === id)
      const keys = memory.keys.list().filter(({ tenant }) => tenant === id)
      transaction(db, () => remove.run(id))
      for (const site of sites) memory.sites.delete(site.id)
      for (const key of keys) forgetKey(memory, key)
      memory.tenants.delete(id)
      memory.topics.delete(id)
      const affects = { tenant: id, device: null }
      for (const key of keys) changed({ table: 'keys', id: key.id, affects })
      for (const site of sites) changed({ table: 'sites', id: site.id, affects: null })
      changed({ table: 'tenants', id, affects })
    },
  }
}
