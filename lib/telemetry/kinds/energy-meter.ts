import { counter, dataSchema, gauge, state, type KindDefinition } from '../field.ts'
import { REGISTER_SETTINGS } from '../shared-settings.ts'

const NO_VALUE = [-2147483648, -32768]

const phaseVoltage = (phase: number) =>
  gauge('V', `Voltage of phase ${phase} against neutral.`, { min: 0, max: 50_000 })
const phaseCurrent = (phase: number) =>
  gauge('A', `Current of phase ${phase}.`, { min: -20_000, max: 20_000 })

const fields = {
  energyKwh: counter('kWh', 'Register of imported active energy: total since installation.', {
    min: 0,
    max: 1e11,
    sentinels: NO_VALUE,
  }),
  exportedEnergyKwh: counter(
    'kWh',
    'Register of exported active energy: total since installation.',
    {
      min: 0,
      max: 1e11,
      sentinels: NO_VALUE,
    },
  ),
  powerKw: gauge('kW', 'Current active power; negative is exported.', {
    min: -1e6,
    max: 1e6,
    // Not -32768: a large plant may export just that.
    sentinels: [-2147483648],
  }),
  reactivePowerKvar: gauge('kvar', 'Current reactive power.', { min: -1e6, max: 1e6 }),
  powerFactor: gauge('', 'Power factor, from -1 to 1.', { min: -1, max: 1 }),
  frequencyHz: gauge('Hz', 'Frequency of the grid.', { min: 40, max: 70 }),
  voltageV: gauge('V', 'Voltage, mean of the phases.', { min: 0, max: 50_000 }),
  voltage1V: phaseVoltage(1),
  voltage2V: phaseVoltage(2),
  voltage3V: phaseVoltage(3),
  currentA: gauge('A', 'Current, sum of the phases.', { min: -60_000, max: 60_000 }),
  current1A: phaseCurrent(1),
  current2A: phaseCurrent(2),
  current3A: phaseCurrent(3),
  meterId: state('Number of the meter itself, which changes when the meter is exchanged.'),
  status: state('Status of the meter: OK, or the names of its errors.', { maxLength: 256 }),
}

/**
 * An electricity meter: of a heat pump, of the IT load or of a whole data centre
 * (docs/domain.md 7.3).
 */
export const energyMeter: KindDefinition = {
  name: 'energy_meter',
  description: 'Registers and current values of an electricity meter.',
  retention: 'metering',
  fields,
  data: dataSchema(fields),
  settings: REGISTER_SETTINGS,
}
