import { z } from 'zod'
import { ROLES, visibleTenants } from '#lib/access/policy.ts'
import { created, list, nothing } from '../replies/response.ts'
import type { Api } from '../api.ts'
import { ownColumns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listPage } from '../queries/list-page.ts'
import { pageParameters } from '#lib/queries/parameters.ts'
import { Problem } from '../replies/problem.ts'
import { listSchema, timeSchema } from '../replies/schemas.ts'

const keySchema = z.object({
  id: z.string(),
  role: z.enum(ROLES),
  tenant: z.string().nullable(),
  name: z.string(),
  createdAt: timeSchema,
})

const madeSchema = keySchema.extend({ key: z.string().describe('Shown this once.') })

const newKeySchema = z.strictObject({
  role: z.enum(ROLES),
  tenant: z.string().nullable().default(null).describe('For the roles of a tenant.'),
  name: z.string(),
})

export function addKeys(add: Add, { registry, cursors }: Api): void {
  const tag = 'registry'
  add({
    method: 'GET',
    url: '/keys',
    permission: 'keys:read',
    tag,
    summary: 'API keys, without the keys themselves',
    query: pageParameters,
    response: listSchema(keySchema),
    isList: true,
    handle(call) {
      const tenants = visibleTenants(call.caller)
      const keys = registry.keys
        .list()
        .filter(({ tenant }) => tenants === null || (tenant !== null && tenants.includes(tenant)))
      const page = listPage(keys, ({ id }) => id, call, cursors)
      const columns = ownColumns('id', 'role', 'tenant', 'name', 'createdAt')
      return page instanceof Problem ? page : list(page, columns)
    },
  })
  add({
    method: 'POST',
    url: '/keys',
    permission: 'keys:write',
    tag,
    summary: 'Make an API key',
    body: newKeySchema,
    status: 201,
    response: madeSchema,
    handle: ({ body }) => created(registry.keys.create(body)),
  })
  add({
    method: 'DELETE',
    url: '/keys/:id',
    permission: 'keys:write',
    tag,
    summary: 'Revoke an API key; its sessions and connections end',
    params: { id: z.string() },
    status: 204,
    handle({ params }) {
      registry.keys.delete(params.id)
      return nothing()
    },
  })
}
