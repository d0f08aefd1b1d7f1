import type { z } from 'zod'

/** A setting of the environment: name, schema, default and a sentence. */
export interface Setting<T = unknown> {
  readonly name: string
  readonly schema: z.ZodType<T>
  /** Undefined: no default, the setting is optional. */
  readonly fallback: string | undefined
  readonly about: string
  /** Its value is never shown. */
  readonly secret: boolean
}

/** Settings that one module needs, by the names it uses. */
export type Section = Readonly<Record<string, Setting>>

export type SectionValues<S extends Section> = {
  readonly [K in keyof S]: z.infer<S[K]['schema']>
}

export function setting<T>(
  name: string,
  schema: z.ZodType<T>,
  fallback: string | undefined,
  about: string,
): Setting<T> {
  return { name, schema, fallback, about, secret: false }
}

export function secretSetting<T>(name: string, schema: z.ZodType<T>, about: string): Setting<T> {
  return { name, schema, fallback: undefined, about, secret: true }
}
