import { createRandom, type Random } from '#lib/runtime/random.ts'

/**
 * Random numbers for one named part of a run. Parts do not share a sequence: one device more or less
 * changes nothing for the others.
 */
export function randomOf(seed: number, name: string): Random {
  // FNV-1a, 32 bit: any hash of names will do.
  let hash = 0x811c9dc5
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return createRandom((seed % 2 ** 20) * 2 ** 32 + (hash >>> 0))
}

/** Normally distributed, by Box and Muller. */
export function normal(random: Random, mean: number, sd: number): number {
  // 1 - next() is above zero, which a logarithm needs.
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
  return mean + sd * radius * Math.cos(2 * Math.PI * random.next())
}

export function between(random: Random, min: number, max: number): number {
  return min + (max - min) * random.next()
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}

/** Correlated noise around zero: `spread` is its standard deviation, `memory` the share kept per step. */
export function wander(value: number, memory: number, spread: number, random: Random): number {
  return value * memory + normal(random, 0, spread * Math.sqrt(1 - memory * memory))
}

/** The nearest multiple of a step; without binary rounding errors, so that its text is as short as the meter's. */
export function toStep(value: number, step: number): number {
  return clean(Math.round(value / step) * step)
}

/** The multiple of a step at or below: how a register counts. */
export function downToStep(value: number, step: number): number {
  return clean(Math.floor(value / step + 1e-9) * step)
}

function clean(value: number): number {
  return Number(value.toFixed(6))
}
