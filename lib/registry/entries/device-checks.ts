import { KIND_NAMES, isKind } from '#lib/telemetry/catalogue.ts'
import type { FormatDeclaration } from '#lib/telemetry/format-declaration.ts'
import { fullId, shortIdOf, type FullId } from '#lib/telemetry/ids.ts'
import { NATIVE_PREFIX } from '#lib/telemetry/topics.ts'
import { isoOfMs } from './context.ts'
import {
  checkId,
  checkName,
  conflict,
  invalid,
  isObject,
  isStorableText,
  requireSame,
} from './checks.ts'
import { reads, settingProblem, settingsOf } from '../device-settings.ts'
import { msOf, type Memory } from '../memory/memory.ts'
import type { Device, NewDevice } from '../registry.ts'
import { filterProblem, filtersOverlap } from '../topics/topic-filters.ts'

const MAX_TOPICS = 16
/** Changes of settings that are kept of a device. */
export const MAX_PAST_SETTINGS = 1000
const MAX_SETTINGS_BYTES = 16 * 1024
const MAX_SECRETS = 16
const MAX_SECRET_LENGTH = 4096
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/
const NATIVE_ROOT = NATIVE_PREFIX.slice(0, NATIVE_PREFIX.indexOf('/'))

export interface CheckDeps {
  readonly memory: Memory
  readonly formats: readonly FormatDeclaration[]
}

/** Throws REGISTRY_INVALID for the first field that is wrong; REGISTRY_CONFLICT for a taken id or topic. */
export function checkNewDevice(device: NewDevice, deps: CheckDeps): void {
  const { memory } = deps
  checkId(device.id)
  if (!memory.tenants.has(device.tenant)) {
    throw invalid('tenant', {
      expected: 'a registered tenant',
      got: device.tenant,
      todo: 'create the tenant first, or correct its id',
    })
  }
  checkDevice(device, deps)
  // Before the topics: a device that is created a second time would conflict with its own.
  requireFreeId(fullId(device.tenant, device.id), memory)
  requireFreeTopics(device, memory)
}

/** Throws REGISTRY_INVALID, and REGISTRY_CONFLICT where another device has one of the topics. */
export function checkChangedDevice(given: NewDevice, before: Device, deps: CheckDeps): void {
  const fixed = { id: shortIdOf(before.id), tenant: before.tenant, kind: before.kind }
  for (const [name, value] of Object.entries(fixed)) {
    requireSame(name, Reflect.get(given, name), value)
  }
  checkDevice(given, deps)
  requireFreeTopics(given, deps.memory, before)
}

/** The time from which changed settings hold, as ISO 8601 in UTC; now where none is given. */
export function validFromOf(given: string | undefined, nowIso: string): string {
  if (given === undefined) return nowIso
  const todo = 'give the time of the change at the meter, or leave it out for now'
  const expected = 'a time with zone that is not in the future, such as 2026-11-01T00:00:00Z'
  try {
    const validFrom = isoOfMs(msOf(given))
    if (validFrom <= nowIso) return validFrom
  } catch {
    // Not a time: said below.
  }
  throw invalid('validFrom', { expected, got: given, todo })
}

export function requireRoomForHistory({ id, past = [] }: Device): void {
  if (past.length < MAX_PAST_SETTINGS) return
  throw conflict(
    `expected at most ${MAX_PAST_SETTINGS} changes of settings that figures rest on, got one more ` +
      `for ${id}; register another device for what comes next`,
    'settings',
  )
}

/** What holds for a new device and for one that is changed. */
export function checkDevice(device: NewDevice, { memory, formats }: CheckDeps): void {
  checkKind(device)
  if (device.name !== undefined) checkName(device.name)
  const format = checkFormat(device, formats)
  checkSite(device, memory)
  checkSettings(device, format, formats)
  checkSecrets(device.secrets ?? {})
  checkTopics(device.topics === undefined ? [] : device.topics)
  checkIdentity(device, format)
}

/** The format, which must be able to read the kind of the device. */
function checkFormat(
  { kind, format = 'native' }: NewDevice,
  formats: readonly FormatDeclaration[],
): FormatDeclaration {
  const found = formats.find(({ name }) => name === format)
  if (found && reads(found, kind)) return found
  const names = formats.filter((one) => reads(one, kind)).map(({ name }) => name)
  throw invalid('format', {
    expected: `one of ${names.join(', ')}${found ? `, which read ${kind}` : ''}`,
    got: format,
    todo: 'choose one of these, or leave it out for native',
  })
}

/** Some messages carry nothing but the number of their device: it must be registered. */
function checkIdentity({ settings, topics }: NewDevice, format: FormatDeclaration): void {
  const { identity } = format
  const definition = identity === undefined ? undefined : format.settings?.[identity]
  if (!definition || settings?.[identity ?? ''] !== undefined) return
  const levels = (topics ?? []).flatMap((topic) => topic.split('/'))
  if (levels.some((level) => definition.schema.safeParse(level).success)) return
  throw invalid(`settings.${identity}`, {
    expected: `${definition.expected}, for format ${format.name}`,
    got: 'nothing',
    todo: 'give it, or register a topic that holds it as a level',
  })
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

function checkSettings(
  { kind, settings = {} }: NewDevice,
  format: FormatDeclaration,
  formats: readonly FormatDeclaration[],
): void {
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
  const problem = settingProblem(settings, settingsOf(kind, format.name, formats))
  if (problem) throw invalid(problem.path, problem)
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

function requireFreeTopics(
  { topics = [], tenant }: NewDevice,
  memory: Memory,
  own: Pick<Device, 'id' | 'topics'> | null = null,
): void {
  const index = memory.topics.get(tenant)
  // Its own filters may overlap with what it gets instead.
  for (const filter of own?.topics ?? []) index?.remove(filter)
  try {
    for (const [at, filter] of topics.entries()) {
      const path = `topics[${at}]`
      const taken = index?.overlapping(filter)
      if (taken) {
        throw conflict(
          `${path}: "${filter}" overlaps with "${taken.filter}" of device ${taken.owner}; a topic ` +
            `must identify its device, so give each device topics of its own`,
          path,
        )
      }
    }
  } finally {
    for (const filter of own?.topics ?? []) index?.add(filter, own!.id)
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
