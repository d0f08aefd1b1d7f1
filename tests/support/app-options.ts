import { requireConfig } from '#lib/runtime/config.ts'
import type { AppOptions } from '../../api/api.ts'

/** The options of an API with default settings. */
export function appOptionsFor(given: Partial<AppOptions> = {}): AppOptions {
  const { api, ingest, live } = requireConfig({})
  return {
    ...api,
    liveLimits: live,
    timezone: ingest.timezone,
    version: '0.0.0',
    localToken: null,
    pseudonymSecret: 'a secret that stays the same',
    ...given,
  }
}
