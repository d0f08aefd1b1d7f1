/** Of everything random in the tests: printed on failure, and taken back as `SEED=...`. */
export const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)

/** 1, or the factor of `npm run long`: the same properties, more often. */
const TIMES = Number(process.env['RUNS_TIMES'] ?? 1)

/** How often something random runs: as often as said here, and more often in `npm run long`. */
export function timesRuns(usual: number): number {
  return Math.ceil(usual * TIMES)
}

/** The parameters of `fc.assert`; fast-check prints the seed of a failure. */
export function propertyRuns(usual = 100): { readonly seed: number; readonly numRuns: number } {
  return { seed: SEED, numRuns: timesRuns(usual) }
}
