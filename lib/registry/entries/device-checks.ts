import { KIND_NAMES, isKind } from '#lib/telemetry/catalogue.ts'
import { ID_PATTERN, fullId, type FullId } from '#lib/telemetry/ids.ts'
import { NATIVE_PREFIX } from '#lib/telemetry/topics.ts'
import { checkId, checkName, conflict, invalid, isObject, isStorableText } from './checks.ts'
import type { Memory } from '../memory/memory.ts'
import type { NewDevice } from '../registry.ts'
import { filterProblem, filtersOverlap } from '../topics/topic-filters.ts'

const MAX_TOPICS = 16
const MAX_SETTINGS_BYTES = 16 * 1024
const MAX_SECRETS = 16
const MAX_SUB_DEVICES = 100_000
const MAX_SECRET_LENGTH = 4096
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/
const NATIVE_ROOT = NATIVE_PREFIX.slice(0, NATIVE_PREFIX.indexOf('/'))

export interface CheckDeps {
  readonly memory: Memory
  readonly formats: readonly string[]
}

/** Throws REGISTRY_INVALID for the first field that is wrong; REGISTRY_CONFLICT for a taken id or topic. */
export function checkNewDevice(device: NewDevice, { memory, formats }: CheckDeps): void {
  checkId(device.id)
  if (!memory.tenants.has(device.tenant)) {
    throw invalid('tenant', {
      expected: 'a registered tenant',
      got: device.tenant,
      todo: 'create the tenant first, or correct its id',
    })
  }
  checkKind(device)
  if (device.name !== undefined) checkName(device.name)
  if (device.format !== undefined && !formats.includes(device.format)) {
    throw invalid('format', {
      expected: `one of ${formats.join(', ')}`,
      got: device.format,
      todo: 'choose one of these, or leave it out for native',
    })
  }
  checkSite(device, memory)
  checkSettings(device.settings ?? {})
  checkCreation(device)
  checkSecrets(device.secrets ?? {})
  checkTopics(device.topics === undefined ? [] : device.topics)
  // Before the topics: a device that is created a second time would conflict with its own.
  requireFreeId(fullId(device.tenant, device.id), memory)
  requireFreeTopics(device, memory)
}

/** A gateway has kind `gateway`, sends no readings of its own, and carries sub-devices. */
function checkKind({ kind, gateway }: NewDevice): void {
  if (kind !== 'gateway' && !isKind(kind)) {
    throw invalid('kind', {
      expected: `one of ${KIND_NAMES.join(', ')}, gateway`,
      got: kind,
      todo: 'choose the kind of readings the device sends',
    })
  }
  if (gateway !== undefined && gateway !== (kind === 'gateway')) {
    throw invalid('gateway', {
      expected: `${kind === 'gateway'} for kind ${kind}`,
      got: gateway,
      todo: 'leave it out, or set kind to gateway for a device that carries others',
    })
  }
}

/** A tenant's site, or a shared one. The error does not reveal whether another tenant's site exists. */
function checkSite({ site: id, tenant }: NewDevice, memory: Memory): void {
  if (id === undefined || id === null) return
  const site = memory.sites.get(id)
  if (site && (site.tenant === null || site.tenant === tenant)) return
  throw invalid('site', {
    expected: `a site of ${tenant}, or one of all tenants`,
    got: id,
    todo: 'create the site first, or leave it out',
  })
}

function checkSettings(settings: unknown): void {
  const text = asJson(settings)
  // A date or a map is an object too, but not one JSON knows.
  if (!isObject(settings) || text === null || !text.startsWith('{')) {
    throw invalid('settings', {
      expected: 'a JSON object',
      got: settings,
      todo: 'give names and values, or leave it out',
    })
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_SETTINGS_BYTES) {
    throw invalid('settings', {
      expected: `at most ${MAX_SETTINGS_BYTES} bytes of JSON`,
      got: bytes,
      todo: 'keep only what the platform needs to know',
    })
  }
  const { gateway } = settings
  if (gateway === undefined || (typeof gateway === 'string' && ID_PATTERN.test(gateway))) return
  throw invalid('settings.gateway', {
    expected: 'the short id of the gateway that carries the device',
    got: gateway,
    todo: 'give the id without its tenant, or leave it out',
  })
}

/** Only a gateway creates sub-devices, and a limit must be one. */
function checkCreation({ kind, settings }: NewDevice): void {
  const given = settings?.['createSubDevices']
  if (given === undefined || given === false) return
  const isLimit =
    typeof given === 'number' && Number.isInteger(given) && given > 0 && given <= MAX_SUB_DEVICES
  if (kind === 'gateway' && (given === true || isLimit)) return
  throw invalid('settings.createSubDevices', {
    expected:
      kind === 'gateway'
        ? `true, false or a number from 1 to ${MAX_SUB_DEVICES}`
        : `none, or false, on a device of kind ${kind}`,
    got: given,
    todo: 'correct it, or leave it out: then each sub-device is registered by hand',
  })
}

function asJson(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    // A big integer or a circle: nothing JSON can hold.
    return null
  }
}

/** The messages never show a value: they go to logs and answers. */
function checkSecrets(secrets: unknown): void {
  if (!isObject(secrets) || Object.keys(secrets).length > MAX_SECRETS) {
    throw invalid('secrets', {
      expected: `an object of at most ${MAX_SECRETS} texts`,
      got: isObject(secrets) ? `${Object.keys(secrets).length} of them` : typeof secrets,
      todo: 'give names and values, for example aesKey',
    })
  }
  for (const [name, value] of Object.entries(secrets)) {
    if (!SECRET_NAME.test(name)) {
      throw invalid('secrets', {
        expected: 'names of up to 63 letters, digits and _, with a letter first',
        got: name,
        todo: 'rename it',
      })
    }
    if (!isStorableText(value) || value === '' || value.length > MAX_SECRET_LENGTH) {
      throw invalid(`secrets.${name}`, {
        expected: `a text of 1 to ${MAX_SECRET_LENGTH} whole characters`,
        got: typeof value === 'string' ? `${value.length} characters` : typeof value,
        todo: 'give the secret as text',
      })
    }
  }
}

function checkTopics(topics: unknown): void {
  if (!Array.isArray(topics) || topics.length > MAX_TOPICS) {
    throw invalid('topics', {
      expected: `a list of at most ${MAX_TOPICS} MQTT filters`,
      got: Array.isArray(topics) ? `${topics.length} of them` : topics,
      todo: 'use wildcards (+, #) to need fewer',
    })
  }
  for (const [at, filter] of topics.entries()) checkFilter(filter, `topics[${at}]`)
}

function requireFreeId(id: FullId, memory: Memory): void {
  if (!memory.devices.has(id)) return
  throw conflict(`device "${id}" exists already; use it, or choose another id`)
}

function requireFreeTopics({ topics = [], tenant }: NewDevice, memory: Memory): void {
  for (const [at, filter] of topics.entries()) {
    const path = `topics[${at}]`
    const taken = memory.topics.get(tenant)?.overlapping(filter)
    if (taken) {
      throw conflict(
        `${path}: "${filter}" overlaps with "${taken.filter}" of device ${taken.owner}; a topic ` +
          `must identify its device, so give each device topics of its own`,
        path,
      )
    }
  }
}

function checkFilter(filter: unknown, path: string): void {
  const expected = 'an MQTT topic filter such as uagv/v2/KIT/0001/#'
  const problem = typeof filter === 'string' ? filterProblem(filter) : 'it is not a text'
  if (typeof filter !== 'string' || problem !== null) {
    throw invalid(path, { expected, got: filter, todo: `correct it: ${problem}` })
  }
  if (filter.includes('$')) {
    const todo = 'leave $ out: such topics belong to the broker'
    throw invalid(path, { expected, got: filter, todo })
  }
  const isNative = filter.split('/')[0] === NATIVE_ROOT
  if (isNative || filtersOverlap(filter, `${NATIVE_PREFIX}#`)) {
    throw invalid(path, {
      expected: `a filter outside ${NATIVE_PREFIX}`,
      got: filter,
      todo: 'leave it out: a device may use its native topics anyway',
    })
  }
}
