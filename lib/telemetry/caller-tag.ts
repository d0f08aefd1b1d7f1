/**
 * On whose behalf something runs: the queues of queries are shared by it, rights never depend on it.
 * A key that belongs to no tenant counts as a tenant of its own.
 */
export interface CallerTag {
  readonly tenant: string
  readonly key: string
}

/** Work of the platform itself: derived series, upkeep. */
export const PLATFORM_CALLER: CallerTag = { tenant: '', key: '' }

export function callerTagOf(key: {
  readonly id: string
  readonly tenant: string | null
}): CallerTag {
  return { tenant: key.tenant ?? `key ${key.id}`, key: key.id }
}
