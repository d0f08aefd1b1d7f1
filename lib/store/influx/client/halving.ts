/** A line that InfluxDB does not take, by its index, with InfluxDB's reason. */
export interface RefusedLine {
  readonly at: number
  readonly reason: string
}

/**
 * Finds the lines that are refused: a part that is refused is halved and tried again. The counts of
 * a partial write are never believed; what it stored already is written once more, which changes
 * nothing. `attempt` returns the reason of a refusal, or null when the lines are stored.
 */
export async function writeHalving(
  lines: readonly string[],
  attempt: (lines: readonly string[]) => Promise<string | null>,
): Promise<RefusedLine[]> {
  const refused: RefusedLine[] = []
  await writePart(0, lines.length)
  return refused

  async function writePart(from: number, to: number): Promise<void> {
    const reason = await attempt(from === 0 && to === lines.length ? lines : lines.slice(from, to))
    if (reason === null) return
    if (to - from === 1) {
      refused.push({ at: from, reason })
      return
    }
    const middle = Math.floor((from + to) / 2)
    await writePart(from, middle)
    await writePart(middle, to)
  }
}
