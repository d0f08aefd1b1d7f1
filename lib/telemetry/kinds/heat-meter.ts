import { counter, dataSchema, gauge, state, type KindDefinition } from '../field.ts'
import { choiceSetting, numberSetting, type Settings } from '../setting.ts'
import { REGISTER_SETTINGS, medium } from '../shared-settings.ts'

/** M-Bus "no value": int32 and int16 minimum, as such or as 0.1 MJ in kWh (docs/domain.md 3.4). */
const NO_ENERGY = [-2147483648, -32768, -910.222222, (-32768 * 0.1) / 3.6]
const NO_VALUE = [-2147483648, -32768]
const NO_TEMPERATURE = [-2147483648, -32768, 65535]

const register = (unit: string, description: string) =>
  counter(unit, description, { min: 0, max: 1e11, sentinels: NO_VALUE })

const fields = {
  energyKwh: counter('kWh', 'Register of heat energy: total since installation.', {
    min: 0,
    max: 1e11,
    sentinels: NO_ENERGY,
  }),
  coolingEnergyKwh: counter('kWh', 'Register of cooling energy: total since installation.', {
    min: 0,
    max: 1e11,
    sentinels: NO_ENERGY,
  }),
  volumeM3: register('m3', 'Register of the volume through the flow sensor.'),
  volumeFlowM3h: gauge('m3/h', 'Current volume flow; negative is reverse flow.', {
    min: -10_000,
    max: 10_000,
    sentinels: NO_VALUE,
  }),
  powerKw: gauge('kW', 'Current thermal power; negative is reverse flow.', {
    min: -30_000,
    max: 100_000,
    sentinels: NO_VALUE,
  }),
  tFlowC: gauge('Cel', 'Temperature in the flow pipe.', {
    min: -10,
    max: 180,
    sentinels: NO_TEMPERATURE,
  }),
  tReturnC: gauge('Cel', 'Temperature in the return pipe.', {
    min: -10,
    max: 180,
    sentinels: NO_TEMPERATURE,
  }),
  e8M3c: register('m3*Cel', 'Register of volume times flow temperature (Kamstrup E8).'),
  e9M3c: register('m3*Cel', 'Register of volume times return temperature (Kamstrup E9).'),
  operatingHoursH: register('h', 'Hours the meter has run.'),
  batteryPct: gauge('%', 'Charge of the meter battery.', { min: 0, max: 100 }),
  status: state(
    'Status of the meter: OK, or the names of its errors. A frozen register is not zero.',
    { maxLength: 256 },
  ),
  meterId: state('Number of the meter itself, which changes when the meter is exchanged.'),
  medium: state('M-Bus medium: heat, heat volume at inlet, cooling, ...'),
}

const settings: Settings = {
  ...REGISTER_SETTINGS,
  medium,
  flowSensor: choiceSetting(['flow', 'return'], {
    description: 'Pipe of the flow sensor; the return where it is not known.',
    changesFigures: true,
  }),
  qpM3h: numberSetting({
    unit: 'm3/h',
    min: 0.1,
    max: 10_000,
    description: 'Permanent flow of the meter (EN 1434 q_p).',
    changesFigures: true,
  }),
  dTMinK: numberSetting({
    unit: 'K',
    min: 0.1,
    max: 50,
    description: 'Smallest temperature difference the meter measures within its class.',
    changesFigures: true,
  }),
}

/**
 * A heat meter (EN 1434; docs/domain.md 3.3-3.5). Nearly all have the energy register, few have
 * more.
 */
export const heatMeter: KindDefinition = {
  name: 'heat_meter',
  description: 'Registers and current values of a heat or cooling meter.',
  retention: 'metering',
  fields,
  data: dataSchema(fields),
  settings,
}
