/** fast-check prints the seed of a failure; SEED=... runs it again. */
export function runOptions(): { seed?: number } {
  const seed = process.env['SEED']
  return seed === undefined ? {} : { seed: Number(seed) }
}
