import type { EnergyMeterOutput } from '../models/energy-meter.ts'
import type { HeatMeterOutput } from '../models/heat-meter.ts'

export interface MeterName {
  readonly name: string
  /** Eight digits. */
  readonly meterId: string
}

/** What wmbusmeters prints of a heat meter whose flow sensor sits in the return pipe. */
export function heatTelegram(
  { name, meterId }: MeterName,
  values: HeatMeterOutput,
  atMs: number,
): string {
  return JSON.stringify({
    _: 'telegram',
    media: 'heat',
    meter: 'kamheat',
    name,
    id: meterId,
    status: 'OK',
    total_energy_consumption_kwh: values.energyKwh,
    total_volume_m3: values.volumeM3,
    volume_flow_m3h: values.volumeFlowM3h,
    power_kw: values.powerKw,
    t1_temperature_c: values.tFlowC,
    t2_temperature_c: values.tReturnC,
    forward_energy_m3c: values.e8M3c,
    return_energy_m3c: values.e9M3c,
    operating_time_h: values.operatingHoursH,
    timestamp: secondsOf(atMs),
  })
}

/** What it prints of an electricity meter. */
export function electricityTelegram(
  { name, meterId }: MeterName,
  values: EnergyMeterOutput,
  atMs: number,
): string {
  return JSON.stringify({
    _: 'telegram',
    media: 'electricity',
    meter: 'amiplus',
    name,
    id: meterId,
    total_energy_consumption_kwh: values.energyKwh,
    current_power_consumption_kw: values.powerKw,
    timestamp: secondsOf(atMs),
  })
}

/** UTC with whole seconds, as wmbusmeters writes the time at which it heard the meter. */
function secondsOf(atMs: number): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.round(atMs)).toString({
    smallestUnit: 'second',
  })
}
