import type { Random } from '#lib/runtime/random.ts'

/**
 * How a simulated thing moves on: a pure function. The same state, input, step and random numbers
 * give the same state and outputs, so a seed decides every byte that a simulator sends.
 */
export type Step<State, Input, Output> = (
  state: State,
  input: Input,
  dtMs: number,
  random: Random,
) => { readonly state: State; readonly output: Output }
