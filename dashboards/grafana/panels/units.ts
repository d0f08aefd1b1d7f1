import * as units from '@grafana/grafana-foundation-sdk/units'

/**
 * Grafana's name of a unit of our catalogues. A unit that Grafana does not know is appended to the
 * number as it is.
 */
export function grafanaUnit(sign: string): string {
  return GRAFANA_UNITS[sign] ?? `suffix: ${sign}`
}

const GRAFANA_UNITS: Readonly<Record<string, string>> = {
  '': units.Short,
  '1': units.PercentUnit,
  '%': units.Percent,
  '1/s': units.CountsPerSecond,
  By: units.BytesSI,
  'By/s': units.BytesPerSecondSI,
  Cel: units.Celsius,
  d: units.Days,
  dB: units.Decibel,
  dBm: units.DecibelMilliWatt,
  deg: units.Degrees,
  h: units.Hours,
  Hz: units.Hertz,
  V: units.Volt,
  A: units.Ampere,
  kW: units.KiloWatt,
  kWh: units.KiloWattHour,
  'km/h': units.KilometersPerHour,
  'm/s': units.MetersPerSecond,
  m: units.Meter,
  ms: units.Milliseconds,
  'Mbit/s': units.MegabitsPerSecond,
  s: units.Seconds,
}
