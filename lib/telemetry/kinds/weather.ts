import { counter, dataSchema, gauge, type KindDefinition } from '../field.ts'

const temperature = (description: string) => gauge('Cel', description, { min: -60, max: 60 })

const fields = {
  outdoorC: temperature('Temperature of the air in the shade, 2 m above the ground.'),
  dewPointC: temperature('Dew point of the air.'),
  humidityPct: gauge('%', 'Relative humidity of the air.', { min: 0, max: 100 }),
  pressureHpa: gauge('hPa', 'Air pressure reduced to sea level.', { min: 850, max: 1100 }),
  windMps: gauge('m/s', 'Speed of the wind: mean of 10 minutes.', { min: 0, max: 110 }),
  gustMps: gauge('m/s', 'Strongest gust of the last 10 minutes.', { min: 0, max: 130 }),
  windFromDeg: gauge('deg', 'Direction the wind comes from, clockwise from north.', {
    min: 0,
    max: 360,
  }),
  globalRadiationWm2: gauge('W/m2', 'Solar radiation on a level surface.', { min: 0, max: 1500 }),
  rainMm: counter('mm', 'Rain since the station was installed; it never decreases.', {
    min: 0,
    max: 1e7,
  }),
}

/** A weather station at a site. Use of heat is read beside the outdoor temperature. */
export const weather: KindDefinition = {
  name: 'weather',
  description: 'Outdoor temperature, humidity, wind, radiation and rain at a site.',
  retention: 'metering',
  fields,
  data: dataSchema(fields),
}
