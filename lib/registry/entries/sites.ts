import type { StatementSync } from 'node:sqlite'
import { transaction } from '#lib/runtime/sqlite.ts'
import type { Memory } from '../memory/memory.ts'
import type { MergeDocument, Site, Sites } from '../registry.ts'
import { checkId, checkName, conflict, invalid, missing, requireSame } from './checks.ts'
import type { RegistryContext } from './context.ts'
import { mergePatch } from './merge-patch.ts'

/** An outline of a municipality has some hundred corners. */
const MAX_CORNERS = 10_000

export class SiteTable implements Sites {
  readonly #context: RegistryContext
  readonly #insert: StatementSync
  readonly #change: StatementSync
  readonly #remove: StatementSync

  constructor(context: RegistryContext) {
    this.#context = context
    this.#insert = context.db.prepare(
      'INSERT INTO sites (id, tenant, name, position, outline) VALUES (?, ?, ?, ?, ?)',
    )
    this.#change = context.db.prepare(
      'UPDATE sites SET name = ?, position = ?, outline = ? WHERE id = ?',
    )
    this.#remove = context.db.prepare('DELETE FROM sites WHERE id = ?')
  }

  list(): readonly Site[] {
    this.#context.requireOpen()
    return this.#context.memory.sites.list()
  }

  get(id: string): Site | null {
    this.#context.requireOpen()
    return this.#context.memory.sites.get(id)
  }

  create({ id, tenant, name, position, outline }: Site): Site {
    const { db, memory, requireFresh, changed } = this.#context
    requireFresh()
    const given = { id, tenant, name, position, outline }
    checkSite(given, memory)
    // The caller's own objects may change later.
    const site = structuredClone(given)
    transaction(db, () => this.#insert.run(id, tenant, name, asJson(position), asJson(outline)))
    memory.sites.set(id, site)
    changed({ table: 'sites', id, affects: null })
    return site
  }

  update(id: string, patch: MergeDocument): Site {
    const { db, memory, requireFresh, changed } = this.#context
    requireFresh()
    const before = memory.sites.get(id)
    if (!before) throw missing('site', id)
    const merged = mergePatch({ ...before }, patch)
    requireSame('id', merged['id'], id)
    requireSame('tenant', merged['tenant'] ?? null, before.tenant)
    const { name, position = null, outline = null } = merged as Partial<Site>
    checkName(name)
    checkPlace({ position, outline })
    const site = structuredClone({ ...before, name, position, outline })
    transaction(db, () => this.#change.run(name, asJson(position), asJson(outline), id))
    memory.sites.set(id, site)
    changed({ table: 'sites', id, affects: null })
    return site
  }

  delete(id: string): void {
    const { db, memory, requireFresh, changed } = this.#context
    requireFresh()
    if (!memory.sites.has(id)) throw missing('site', id)
    const devices = memory.devices.list().filter(({ site }) => site === id).length
    if (devices > 0) {
      throw conflict(`site "${id}" still has ${devices} devices; delete those first`)
    }
    transaction(db, () => this.#remove.run(id))
    memory.sites.delete(id)
    changed({ table: 'sites', id, affects: null })
  }
}

function asJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

function checkSite({ id, tenant, name, position, outline }: Site, memory: Memory): void {
  checkId(id)
  checkName(name)
  if (tenant !== null && !memory.tenants.has(tenant)) {
    throw invalid('tenant', {
      expected: 'a registered tenant, or null for a site of all tenants',
      got: tenant,
      todo: 'create the tenant first',
    })
  }
  checkPlace({ position, outline })
  if (memory.sites.has(id)) {
    throw conflict(`site "${id}" exists already; use it, or choose another id`)
  }
}

function checkPlace({ position, outline }: Pick<Site, 'position' | 'outline'>): void {
  if (position !== null) checkPosition([position.lat, position.lon], 'position')
  if (outline !== null) checkOutline(outline)
}

function checkOutline(outline: NonNullable<Site['outline']>): void {
  const first = outline[0]
  const last = outline.at(-1)
  const closed = first && last && first[0] === last[0] && first[1] === last[1]
  if (outline.length < 4 || outline.length > MAX_CORNERS || !closed) {
    throw invalid('outline', {
      expected: `a ring of 4 to ${MAX_CORNERS} corners [lat, lon] that ends where it begins`,
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
