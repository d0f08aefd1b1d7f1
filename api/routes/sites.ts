import { z } from 'zod'
import { seesTenant } from '#lib/access/policy.ts'
import { created, list, nothing, ok } from '../replies/response.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listPage } from '../queries/list-page.ts'
import { pageParameters } from '#lib/queries/parameters.ts'
import { Problem } from '../replies/problem.ts'
import { listSchema } from '../replies/schemas.ts'

const siteSchema = z.object({
  id: z.string(),
  tenant: z.string().nullable().describe('Null: shared by all tenants.'),
  name: z.string(),
  position: z.object({ lat: z.number(), lon: z.number() }).nullable(),
  outline: z
    .array(z.tuple([z.number(), z.number()]))
    .nullable()
    .describe('Closed ring of [lat, lon].'),
})

const positionSchema = z.strictObject({ lat: z.number(), lon: z.number() }).nullable()
const outlineSchema = z.array(z.tuple([z.number(), z.number()])).nullable()

const newSiteSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  tenant: z.string().nullable().default(null),
  position: positionSchema.default(null),
  outline: outlineSchema.default(null),
})

const changedSiteSchema = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  tenant: z.string().nullable().optional(),
  // Merged with the position it has, so either may be left out.
  position: z.strictObject({ lat: z.number(), lon: z.number() }).partial().nullable().optional(),
  outline: outlineSchema.optional(),
})

const COLUMNS: Columns<z.infer<typeof siteSchema>> = {
  id: (site) => site.id,
  tenant: (site) => site.tenant,
  name: (site) => site.name,
  lat: (site) => site.position?.lat,
  lon: (site) => site.position?.lon,
}

const TAG = 'registry'

export function addSites(add: Add, api: Api): void {
  addReading(add, api)
  addWriting(add, api)
}

function addReading(add: Add, { registry, cursors }: Api): void {
  add({
    method: 'GET',
    url: '/sites',
    permission: 'sites:read',
    tag: TAG,
    summary: 'Sites, those of all tenants included',
    query: pageParameters,
    response: listSchema(siteSchema),
    isList: true,
    handle(call) {
      const sites = registry.sites
        .list()
        .filter(({ tenant }) => tenant === null || seesTenant(call.caller, tenant))
        .map((site) => ({
          ...site,
          outline: site.outline?.map(([lat, lon]): [number, number] => [lat, lon]) ?? null,
        }))
      const page = listPage(sites, ({ id }) => id, call, cursors)
      return page instanceof Problem ? page : list(page, COLUMNS)
    },
  })
}

function addWriting(add: Add, { registry, log }: Api): void {
  add({
    method: 'POST',
    url: '/sites',
    permission: 'sites:write',
    tag: TAG,
    summary: 'Create a site',
    body: newSiteSchema,
    status: 201,
    response: siteSchema,
    handle: ({ body }) => created(registry.sites.create(body)),
  })
  add({
    method: 'PATCH',
    url: '/sites/:id',
    permission: 'sites:write',
    tag: TAG,
    summary: 'Change name, position or outline of a site (RFC 7396)',
    params: { id: z.string() },
    body: changedSiteSchema,
    response: siteSchema,
    handle({ params, body, caller }) {
      const site = registry.sites.update(params.id, body)
      log.info({ site: params.id, fields: Object.keys(body), by: caller.key.id }, 'changed')
      return ok(site)
    },
  })
  add({
    method: 'DELETE',
    url: '/sites/:id',
    permission: 'sites:write',
    tag: TAG,
    summary: 'Delete a site that has no devices',
    params: { id: z.string() },
    status: 204,
    handle({ params }) {
      registry.sites.delete(params.id)
      return nothing()
    },
  })
}
