/** A line that InfluxDB does not take, by its place, with InfluxDB's words. */
export interface RefusedLine {
  readonly at: number
  readonly words: string
}

/**
 * Finds the lines that are refused: a part that is refused is halved and tried again. The counts of
 * a partial write are never believed; what it stored already is written once more, which changes
 * nothing. `attempt` answers the words of a refusal, or null when the lines are stored.
 */
export async function writeHalving(
  lines: readonly string[],
  attempt: (lines: readonly string[]) => Promise<string | null>,
): Promise<RefusedLine[]> {
  const refused: RefusedLine[] = []
  await settle(0, lines.length)
  return refused

  async function settle(from: number, to: number): Promise<void> {
    const words = await attempt(from === 0 && to === lines.length ? lines : lines.slice(from, to))
    if (words === null) return
    if (to - from === 1) {
      refused.push({ at: from, words })
      return
    }
    const middle = Math.floor((from + to) / 2)
    await settle(from, middle)
    await settle(middle, to)
  }
}
