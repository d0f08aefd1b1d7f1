import type { z } from 'zod'

export interface Setting {
  readonly schema: z.ZodType
  /** Undefined: no default, the setting is optional. */
  readonly fallback: string | undefined
  readonly about: string
  readonly secret?: true
}

export function setting<T>(schema: z.ZodType<T>, fallback: string | undefined, about: string) {
  return { schema, fallback, about }
}

/** Its value is never shown. */
export function secretSetting<T>(schema: z.ZodType<T>, about: string) {
  return { schema, fallback: undefined, about, secret: true } as const
}
