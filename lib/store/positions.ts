/** Highest position durable in each part. */
export function positionsOf(
  parts: ReadonlyMap<string, { readonly name: string; readonly position: number }>,
): Readonly<Record<string, number>> {
  const positions: Record<string, number> = {}
  for (const { name, position } of parts.values()) if (position > 0) positions[name] = position
  return positions
}
