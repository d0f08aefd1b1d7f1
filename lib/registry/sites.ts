import { transaction } from '#lib/runtime/sqlite.ts'
import { checkId, checkName, conflict, invalid, missing } from './checks.ts'
import type { RegistryContext } from './context.ts'
import type { Site, Sites } from './registry.ts'

/** An outline of a municipality has some hundred corners. */
const MOST_CORNERS = 10_000

export function createSites(context: RegistryContext): Sites {
  const { db, memory, requireOpen, requireFresh, changed } = context
  const insert = db.prepare(
    'INSERT INTO sites (id, tenant, name, position, outline) VALUES (?, ?, ?, ?, ?)',
  )
  const remove = db.prepare('DELETE FROM sites WHERE id = ?')

  return {
    list() {
      requireOpen()
      return memory.sites.list()
    },
    get(id) {
      requireOpen()
      return memory.sites.get(id)
    },
    create({ id, tenant, name, position, outline }) {
      requireFresh()
      checkId(id)
      checkName(name)
      if (tenant !== null && !memory.tenants.has(tenant)) {
        throw invalid('tenant', {
          expected: 'a registered tenant, or null for a site of all tenants',
          got: tenant,
          todo: 'create the tenant first',
        })
      }
      if (position !== null) checkPosition([position.lat, position.lon], 'position')
      if (outline !== null) checkOutline(outline)
      if (memory.sites.has(id)) {
        throw conflict(`site "${id}" exists already; use it, or choose another id`)
      }
      // No longer the caller's own objects, which may change under us.
      const site = structuredClone({ id, tenant, name, position, outline } satisfies Site)
      transaction(db, () => insert.run(id, tenant, name, asJson(position), asJson(outline)))
      memory.sites.set(id, site)
      changed({ table: 'sites', id, affects: null })
      return site
    },
    delete(id) {
      requireFresh()
      if (!memory.sites.has(id)) throw missing('site', id)
      const devices = memory.devices.list().filter(({ site }) => site === id).length
      if (devices > 0) {
        throw conflict(`site "${id}" still has ${devices} devices; delete those first`)
      }
      transaction(db, () => remove.run(id))
      memory.sites.delete(id)
      changed({ table: 'sites', id, affects: null })
    },
  }
}

function asJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

function checkOutline(outline: NonNullable<Site['outline']>): void {
  const first = outline[0]
  const last = outline.at(-1)
  const closed = first && last && first[0] === last[0] && first[1] === last[1]
  if (outline.length < 4 || outline.length > MOST_CORNERS || !closed) {
    throw invalid('outline', {
      expected: `a ring of 4 to ${MOST_CORNERS} corners [lat, lon] that ends where it begins`,
      got: `${outline.length} corners, ${closed ? 'closed' : 'open'}`,
      todo: 'repeat the first corner as the last one',
    })
  }
  for (const [at, corner] of outline.entries()) checkPosition(corner, `outline[${at}]`)
}

function checkPosition([lat, lon]: readonly [number, number], path: string): void {
  if (Math.abs(lat) <= 90 && Math.abs(lon) <= 180) return
  throw invalid(path, {
    expected: 'latitude -90 to 90 and longitude -180 to 180, in degrees',
    got: [lat, lon],
    todo: 'check that the two are not exchanged',
  })
}
