import { numbers, type TraceFormat, type TraceReading } from './trace-format.ts'

/** VSS signals of the recording and the fields of kind `truck` that they are. */
const FIELDS: Readonly<Record<string, string>> = {
  'Vehicle.Speed': 'speedKmh',
  'Vehicle.TraveledDistanceHighRes': 'odometerM',
  'Vehicle.Powertrain.FuelSystem.Tank.First.RelativeLevel': 'fuelPct',
  'Vehicle.Powertrain.CombustionEngine.DieselExhaustFluid.Level': 'adBluePct',
  'Vehicle.Powertrain.CombustionEngine.EngineHours': 'engineHoursH',
  'Vehicle.Powertrain.CombustionEngine.Speed': 'engineRpm',
  'Vehicle.CurrentOverallWeight': 'gcwKg',
  'Vehicle.Exterior.AirTemperature': 'ambientC',
}
const DRIVER = 'Vehicle.Tachograph.Driver.Driver1.WorkingState'

/** Signals of a truck's FMS gateway, one per row, with the pause after it. */
export const fmsTruck: TraceFormat = {
  name: 'fms-truck',
  columns: ['field', 'signal', 'value', 'delay'],
  kind: 'truck',
  read(rows) {
    const readings: TraceReading[] = []
    let atMs = 0
    for (const { signal = '', value = '', delay } of rows) {
      const name = FIELDS[signal]
      const data = name ? numbers({ [name]: value }) : {}
      if (name && data[name] !== undefined) readings.push({ atMs, data })
      else if (signal === DRIVER) readings.push({ atMs, data: { driverState: value } })
      atMs += Number(delay) * 1000
    }
    return readings
  },
}
