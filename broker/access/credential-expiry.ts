import type { Account, Registry } from '#lib/registry/registry.ts'

/** When the first of the credentials that are valid now ends: it may be the one that signed in. */
export function expiryOf(
  registry: Pick<Registry, 'credentials' | 'devices'>,
  account: Account,
  nowMs: number,
): number {
  if (account.type !== 'device' || !registry.devices.get(account.id)) return Infinity
  const ends = registry.credentials
    .list(account.id)
    .map(({ validTo }) =>
      validTo === null ? Infinity : Temporal.Instant.from(validTo).epochMilliseconds,
    )
  return Math.min(...ends.filter((endMs) => endMs > nowMs), Infinity)
}
