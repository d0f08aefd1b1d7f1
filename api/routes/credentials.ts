import { z } from 'zod'
import type { Credential } from '#lib/registry/registry.ts'
import { created, list, nothing } from '../replies/response.ts'
import type { Api } from '../api.ts'
import { ownColumns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listPage } from '../queries/list-page.ts'
import { pageParameters } from '#lib/queries/parameters.ts'
import { Problem, notFound } from '../replies/problem.ts'
import { idSchema, listSchema, timeSchema } from '../replies/schemas.ts'

const credentialSchema = z.object({
  id: z.string(),
  device: idSchema,
  validFrom: timeSchema,
  validTo: timeSchema.nullable().describe('Null: no end.'),
})

const madeSchema = credentialSchema.extend({
  username: idSchema,
  password: z.string().describe('Shown this once.'),
})

const newCredentialSchema = z.strictObject({ validTo: z.string().nullish() }).nullish()

export function addCredentials(add: Add, { registry, cursors }: Api): void {
  const tag = 'registry'
  const url = '/devices/:id/credentials'
  const params = { id: idSchema }
  add({
    method: 'GET',
    url,
    permission: 'credentials:read',
    tag,
    summary: 'Credentials of a device, without their passwords',
    params,
    query: pageParameters,
    response: listSchema(credentialSchema),
    isList: true,
    handle(call) {
      const device = call.names.findDevice(call.params.id)
      if (!device) return notFound('device', call.params.id)
      const credentials = registry.credentials.list(device.id)
      const page = listPage(credentials, orderOf, call, cursors)
      const columns = ownColumns('id', 'device', 'validFrom', 'validTo')
      return page instanceof Problem ? page : list(page, columns)
    },
  })
  add({
    method: 'POST',
    url,
    permission: 'credentials:write',
    tag,
    summary: 'Make a credential; older ones of the device stay valid for a while',
    params,
    body: newCredentialSchema,
    status: 201,
    response: madeSchema,
    handle({ names, params: { id }, body }) {
      const device = names.findDevice(id)
      if (!device) return notFound('device', id)
      const validTo = body?.validTo ?? null
      return created(registry.credentials.create(device.id, { validTo }))
    },
  })
  add({
    method: 'DELETE',
    url: `${url}/:credential`,
    permission: 'credentials:write',
    tag,
    summary: 'Revoke a credential; a connection that uses it is closed',
    params: { ...params, credential: z.string() },
    status: 204,
    handle({ names, params: { id, credential } }) {
      const device = names.findDevice(id)
      if (!device) return notFound('device', id)
      const own = registry.credentials.list(device.id).some((one) => one.id === credential)
      if (!own) return notFound('credential', credential)
      registry.credentials.delete(credential)
      return nothing()
    },
  })
}

/** Oldest first. */
function orderOf({ validFrom, id }: Credential): string {
  return `${validFrom} ${id}`
}
