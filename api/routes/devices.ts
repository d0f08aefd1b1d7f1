import { z } from 'zod'
import type { Device, NewDevice, PastSettings } from '#lib/registry/registry.ts'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { visibleTenants, type Caller } from '#lib/access/policy.ts'
import { created, list, nothing, ok } from '../replies/response.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listPage } from '../queries/list-page.ts'
import { deviceParameters, pageParameters, wordsParameter } from '#lib/queries/parameters.ts'
import { Problem, notFound, unusable } from '../replies/problem.ts'
import { idSchema, listSchema, timeSchema } from '../replies/schemas.ts'

const DEVICE_KINDS = [...KIND_NAMES, 'gateway'] as const

const deviceSchema = z.object({
  id: idSchema,
  tenant: z.string(),
  name: z.string(),
  kind: z.enum(DEVICE_KINDS),
  format: z.string(),
  topics: z.array(z.string()),
  gateway: z.boolean(),
  site: z.string().nullable(),
  settings: z.record(z.string(), z.unknown()),
  secretNames: z.array(z.string()).describe('Secrets that are set; they are never shown.'),
  createdAt: timeSchema,
})

const settingsSchema = z
  .record(z.string(), z.unknown())
  .describe('Which there are depends on kind and format: GET /kinds has the JSON schema of each.')
const secretsSchema = z.record(z.string(), z.string())

const newDeviceSchema = z.strictObject({
  id: z.string().describe('Short id, unique within its tenant.'),
  tenant: z.string().optional().describe("Left out with a tenant's own key: that tenant."),
  // The registry knows the kinds, and suggests the nearest one.
  kind: z.string(),
  name: z.string().optional(),
  format: z.string().optional(),
  topics: z.array(z.string()).optional().describe('MQTT filters outside the native tree.'),
  gateway: z.boolean().optional(),
  site: z.string().nullable().optional(),
  settings: settingsSchema.optional(),
  secrets: secretsSchema.optional().describe('Written, never read back.'),
})

/** A merge document: null takes a value away. */
const changedDeviceSchema = z.strictObject({
  id: z.string().optional(),
  tenant: z.string().optional(),
  kind: z.string().optional(),
  gateway: z.boolean().optional(),
  name: z.string().nullable().optional(),
  format: z.string().nullable().optional(),
  topics: z.array(z.string()).nullable().optional(),
  site: z.string().nullable().optional(),
  settings: settingsSchema.nullable().optional(),
  secrets: z.record(z.string(), z.string().nullable()).nullable().optional(),
  validFrom: z
    .string()
    .optional()
    .describe('From when changed settings hold for figures, by the full hour; left out: from now.'),
})

const pastSchema = z.object({
  validTo: timeSchema.describe('Until when they held.'),
  changedAt: timeSchema,
  settings: z.record(z.string(), z.unknown()),
})

const COLUMNS: Columns<Device> = {
  id: (device) => device.id,
  tenant: (device) => device.tenant,
  name: (device) => device.name,
  kind: (device) => device.kind,
  format: (device) => device.format,
  topics: (device) => device.topics.join(' '),
  gateway: (device) => device.gateway,
  site: (device) => device.site,
  settings: (device) => JSON.stringify(device.settings),
  createdAt: (device) => device.createdAt,
}

const PAST_COLUMNS: Columns<Omit<PastSettings, 'by'>> = {
  validTo: (past) => past.validTo,
  changedAt: (past) => past.changedAt,
  settings: (past) => JSON.stringify(past.settings),
}

export function addDevices(add: Add, api: Api): void {
  addReading(add, api)
  addWriting(add, api)
  addHistory(add, api)
  addDeleting(add, api)
}

const TAG = 'registry'
const ID_PARAMETER = { id: idSchema }

function addReading(add: Add, { cursors }: Api): void {
  add({
    method: 'GET',
    url: '/devices',
    permission: 'devices:read',
    tag: TAG,
    summary: 'Devices',
    query: {
      ...pageParameters,
      tenant: deviceParameters.tenant,
      kind: wordsParameter(DEVICE_KINDS, 'Only these kinds'),
    },
    response: listSchema(deviceSchema),
    isList: true,
    handle(call) {
      const { kind, tenant } = call.query
      const unknown = tenant?.find((name) => call.names.findTenant(name) === null)
      if (unknown !== undefined) return notFound('tenant', unknown)
      const devices = call.names
        .devices()
        .filter((device) => kind?.includes(device.kind) ?? true)
        .filter((device) => tenant?.includes(device.tenant) ?? true)
      const page = listPage(devices.map(shown), ({ id }) => id, call, cursors)
      return page instanceof Problem ? page : list(page, COLUMNS)
    },
  })
  add({
    method: 'GET',
    url: '/devices/:id',
    permission: 'devices:read',
    tag: TAG,
    summary: 'One device',
    params: ID_PARAMETER,
    response: deviceSchema,
    handle({ names, params: { id } }) {
      const device = names.findDevice(id)
      return device ? ok(shown(device)) : notFound('device', id)
    },
  })
}

function addWriting(add: Add, { registry, log }: Api): void {
  add({
    method: 'POST',
    url: '/devices',
    permission: 'devices:write',
    tag: TAG,
    summary: 'Create a device',
    body: newDeviceSchema,
    status: 201,
    response: deviceSchema,
    handle({ body, caller }) {
      const tenant = tenantFor(caller, body.tenant)
      if (tenant instanceof Problem) return tenant
      const device = registry.devices.create(newDevice(body, tenant))
      return created(shown(device), { location: `/api/v1/devices/${device.id}` })
    },
  })
  add({
    method: 'PATCH',
    url: '/devices/:id',
    permission: 'devices:write',
    tag: TAG,
    summary: 'Change a device (RFC 7396)',
    params: ID_PARAMETER,
    body: changedDeviceSchema,
    response: deviceSchema,
    handle({ names, caller, params: { id }, body: { validFrom, ...patch } }) {
      const device = names.findDevice(id)
      if (!device) return notFound('device', id)
      const by = caller.key.id
      const changed = registry.devices.update(device.id, { patch, validFrom, by })
      log.info({ device: device.id, fields: Object.keys(patch), validFrom, by }, 'changed')
      return ok(shown(changed))
    },
  })
}

function addHistory(add: Add, { cursors }: Api): void {
  add({
    method: 'GET',
    url: '/devices/:id/history',
    permission: 'devices:read',
    tag: TAG,
    summary: 'Settings that figures rest on, as they were, oldest first',
    params: ID_PARAMETER,
    query: pageParameters,
    response: listSchema(pastSchema),
    isList: true,
    handle(call) {
      const device = call.names.findDevice(call.params.id)
      if (!device) return notFound('device', call.params.id)
      const past = (device.past ?? []).map(({ by: _by, ...one }, at) => ({ ...one, at }))
      const order = ({ at }: { readonly at: number }) => String(at).padStart(6, '0')
      const page = listPage(past, order, call, cursors)
      if (page instanceof Problem) return page
      const rows = page.data.map(({ at: _at, ...one }) => one)
      return list({ ...page, data: rows }, PAST_COLUMNS)
    },
  })
}

function addDeleting(add: Add, { registry }: Api): void {
  add({
    method: 'DELETE',
    url: '/devices/:id',
    permission: 'devices:write',
    tag: TAG,
    summary: 'Delete a device with its credentials; what it has sent stays',
    params: ID_PARAMETER,
    status: 204,
    handle({ names, params: { id } }) {
      const device = names.findDevice(id)
      if (!device) return notFound('device', id)
      registry.devices.delete(device.id)
      return nothing()
    },
  })
}

/** Past settings have an address of their own. */
function shown({ past: _past, ...device }: Device): Omit<Device, 'past'> {
  return device
}

/** A tenant that the caller may not see is reported as one that does not exist. */
function tenantFor(caller: Caller, given: string | undefined): string | Problem {
  const own = visibleTenants(caller)
  if (own === null) {
    return given ?? unusable('tenant', 'expected the id of a tenant, got nothing; give it')
  }
  const [tenant] = own
  if (tenant !== undefined && (given === undefined || given === tenant)) return tenant
  return notFound('tenant', given ?? '')
}

/** Secrets are accepted among the settings too, but must not stay there: settings are shown. */
function newDevice(body: z.infer<typeof newDeviceSchema>, tenant: string): NewDevice {
  const { settings: given, secrets: named, kind, ...rest } = body
  const { secrets: inner, ...settings } = given ?? {}
  // The registry checks the kind and the secrets, and reports errors in more detail.
  const secrets =
    inner === undefined ? named : (mergedSecrets(inner, named) as NewDevice['secrets'])
  return { ...rest, tenant, kind: kind as NewDevice['kind'], settings, secrets }
}

function mergedSecrets(inner: unknown, named: NewDevice['secrets']): unknown {
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    ? { ...inner, ...named }
    : inner
}
