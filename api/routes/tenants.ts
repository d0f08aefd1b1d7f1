import { z } from 'zod'
import { seesTenant } from '#lib/access/policy.ts'
import { created, list, nothing, ok } from '../replies/response.ts'
import type { Api } from '../api.ts'
import { ownColumns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listPage } from '../queries/list-page.ts'
import { pageParameters } from '#lib/queries/parameters.ts'
import { Problem } from '../replies/problem.ts'
import { listSchema, timeSchema } from '../replies/schemas.ts'

const tenantSchema = z.object({ id: z.string(), name: z.string(), createdAt: timeSchema })
const newTenantSchema = z.strictObject({ id: z.string(), name: z.string() })

export function addTenants(add: Add, { registry, cursors, log }: Api): void {
  const tag = 'registry'
  add({
    method: 'GET',
    url: '/tenants',
    permission: 'tenants:read',
    tag,
    summary: 'Tenants',
    query: pageParameters,
    response: listSchema(tenantSchema),
    isList: true,
    handle(call) {
      const tenants = registry.tenants.list().filter(({ id }) => seesTenant(call.caller, id))
      const page = listPage(tenants, ({ id }) => id, call, cursors)
      return page instanceof Problem ? page : list(page, ownColumns('id', 'name', 'createdAt'))
    },
  })
  add({
    method: 'POST',
    url: '/tenants',
    permission: 'tenants:write',
    tag,
    summary: 'Create a tenant',
    body: newTenantSchema,
    status: 201,
    response: tenantSchema,
    handle: ({ body }) => created(registry.tenants.create(body)),
  })
  add({
    method: 'PATCH',
    url: '/tenants/:id',
    permission: 'tenants:write',
    tag,
    summary: 'Change the name of a tenant (RFC 7396)',
    params: { id: z.string() },
    body: z.strictObject({ id: z.string().optional(), name: z.string().optional() }),
    response: tenantSchema,
    handle({ params, body, caller }) {
      const tenant = registry.tenants.update(params.id, body)
      log.info({ tenant: params.id, fields: Object.keys(body), by: caller.key.id }, 'changed')
      return ok(tenant)
    },
  })
  add({
    method: 'DELETE',
    url: '/tenants/:id',
    permission: 'tenants:write',
    tag,
    summary: 'Delete a tenant that has no devices, with its sites and keys',
    params: { id: z.string() },
    status: 204,
    handle({ params }) {
      registry.tenants.delete(params.id)
      return nothing()
    },
  })
}
