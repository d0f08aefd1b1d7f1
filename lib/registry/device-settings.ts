import { z } from 'zod'
import { isObject } from './entries/checks.ts'
import type { Device, NewDevice } from './registry.ts'
import { suggestField } from '#lib/runtime/suggest-name.ts'
import { KINDS, isKind, type Kind } from '#lib/telemetry/catalogue.ts'
import type { KindDefinition } from '#lib/telemetry/field.ts'
import type { FormatDeclaration } from '#lib/telemetry/format-declaration.ts'
import type { SettingDefinition, Settings } from '#lib/telemetry/setting.ts'
import { COMMON_SETTINGS, GATEWAY_SETTINGS } from '#lib/telemetry/shared-settings.ts'

export type DeviceKind = Kind | 'gateway'

/** What is wrong with a setting; `path` begins with `settings`. */
export interface SettingProblem {
  readonly path: string
  readonly expected: string
  readonly got: unknown
  readonly todo: string
}

/** Longer names are no slip of the pen. */
const MAX_SUGGESTED = 64

/** Whether messages in the format can become readings of the kind. */
export function reads({ kinds, fromGateway, name }: FormatDeclaration, kind: DeviceKind): boolean {
  if (kind === 'gateway') return name === 'native' || fromGateway === true
  return kinds === undefined || kinds.includes(kind)
}

/**
 * The settings a device may have. A device of format `native` may write on the topic of any format, so
 * those of every format that reads its kind are its own too.
 */
export function settingsOf(
  kind: DeviceKind,
  format: string,
  formats: readonly FormatDeclaration[],
): Settings {
  const used = formats.filter(
    (one) => one.name === format || (format === 'native' && reads(one, kind)),
  )
  const definition: KindDefinition | null = isKind(kind) ? KINDS[kind] : null
  const ofKind = definition ? (definition.settings ?? {}) : GATEWAY_SETTINGS
  return Object.assign({}, COMMON_SETTINGS, ...used.map(({ settings }) => settings ?? {}), ofKind)
}

/** Secrets that came among the settings, which are shown, are put where nothing shows them. */
export function secretsApart(device: NewDevice, formats: readonly FormatDeclaration[]): NewDevice {
  const { settings } = device
  if (!isObject(settings)) return device
  const names = new Set(formats.flatMap(({ secrets }) => secrets ?? []))
  const found = Object.entries(settings).filter(([name]) => names.has(name))
  if (found.length === 0) return device
  const rest = Object.entries(settings).filter(([name]) => !names.has(name))
  // The checks of secrets say what is no text.
  const secrets = { ...Object.fromEntries(found), ...device.secrets } as NewDevice['secrets']
  return { ...device, settings: Object.fromEntries(rest), secrets }
}

/** The settings that figures rest on, as they were before a change; null when it leaves them alone. */
export function figuresBefore(
  before: Device,
  after: Device,
  formats: readonly FormatDeclaration[],
): Device['settings'] | null {
  const known = {
    ...settingsOf(before.kind, before.format, formats),
    ...settingsOf(after.kind, after.format, formats),
  }
  const figures = ({ settings }: Device) =>
    Object.keys(known)
      .filter((name) => known[name]?.changesFigures && Object.hasOwn(settings, name))
      .map((name) => [name, settings[name]] as const)
  if (JSON.stringify(figures(before)) === JSON.stringify(figures(after))) return null
  return Object.fromEntries(figures(before))
}

/** The first setting that is unknown or wrong; null when all are right. */
export function settingProblem(
  settings: Readonly<Record<string, unknown>>,
  known: Settings,
): SettingProblem | null {
  for (const [name, value] of Object.entries(settings)) {
    const definition = Object.hasOwn(known, name) ? known[name] : undefined
    const problem = definition ? valueProblem(name, value, definition) : unknown(name, known)
    if (problem) return problem
  }
  return null
}

/** Its value is not shown: it may be a secret under a wrong name. */
function unknown(name: string, known: Settings): SettingProblem {
  const names = Object.keys(known).toSorted()
  const nearest = name.length <= MAX_SUGGESTED ? suggestField(name, names) : null
  return {
    path: `settings.${name}`,
    expected: nearest === null ? `one of the settings ${names.join(', ')}` : `"${nearest}"`,
    got: name,
    todo:
      nearest === null
        ? 'remove it, or put it into settings.labels, which are yours'
        : 'correct its name',
  }
}

function valueProblem(
  name: string,
  got: unknown,
  { schema, expected, unit }: SettingDefinition,
): SettingProblem | null {
  const result = schema.safeParse(got)
  if (result.success) return null
  const inner = (result.error.issues[0]?.path ?? []).map(String)
  return {
    path: ['settings', name, ...inner].join('.'),
    expected,
    got: inner.reduce(valueAt, got),
    todo: `correct it${unit && `; its unit is ${unit}`}, or leave it out`,
  }
}

function valueAt(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : value
}

/** The settings as JSON Schema, with sentence and unit of each, for documents and forms. */
export function settingsJsonSchema(settings: Settings): Record<string, unknown> {
  const shape = Object.entries(settings).map(([name, { schema }]) => [name, schema.optional()])
  return z.toJSONSchema(z.strictObject(Object.fromEntries(shape)), { io: 'input' })
}
