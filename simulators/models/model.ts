import type { Random } from '#lib/runtime/random.ts'

/**
 * One step of a simulation: a pure function. The same state, input, step and random numbers give the
 * same state and output, so every byte that a simulator sends depends on the seed alone.
 */
export type Step<State, Input, Output> = (
  state: State,
  input: Input,
  dtMs: number,
  random: Random,
) => { readonly state: State; readonly output: Output }
