import { wander } from './chance.ts'
import type { Step } from './model.ts'

export interface WeatherState {
  /** How much warmer it is than usual for the hour, K. */
  readonly warmerK: number
}

export interface WeatherInput {
  /** Unix time, ms. */
  readonly atMs: number
}

/** Air temperature, C. */
export type WeatherOutput = number

const MEAN_C = 8.6
const SEASON_C = 8.2
const DAY_C = 2.6
const WANDER_C = 2.2
const MEMORY_MS = 36 * 3_600_000
const DAY_MS = 86_400_000

export function startWeather(): WeatherState {
  return { warmerK: 0 }
}

/** The maritime climate of the border region: coldest at the end of January, mild days. */
export const stepWeather: Step<WeatherState, WeatherInput, WeatherOutput> = (
  state,
  { atMs },
  dtMs,
  random,
) => {
  const warmerK = wander(state.warmerK, Math.exp(-dtMs / MEMORY_MS), WANDER_C, random)
  return { state: { warmerK }, output: usualC(atMs) + warmerK }
}

/** The usual temperature of the hour and season. */
export function usualC(atMs: number): number {
  const years = (atMs / DAY_MS - 26) / 365.25
  const days = atMs / DAY_MS - 14 / 24
  const season = -Math.cos(2 * Math.PI * years) * SEASON_C
  return MEAN_C + season + Math.cos(2 * Math.PI * days) * DAY_C
}
