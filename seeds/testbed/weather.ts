import { HEAT_TENANT } from './heat.ts'

export interface WeatherStationSeed {
  readonly tenant: string
  readonly id: string
  readonly site: string
}

/** The outdoor temperature that the heat demand of the towns follows. */
export const WEATHER_STATIONS: readonly WeatherStationSeed[] = [
  { tenant: HEAT_TENANT, id: 'weather-kassoe', site: 'dc-kassoe' },
]
