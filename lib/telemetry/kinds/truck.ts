import { counter, dataSchema, flag, gauge, state, type KindDefinition } from '../field.ts'
import { POSITION_FIELDS, checkPosition } from '../position.ts'

/**
 * J1939 "not available" (0xFF..) and "error" (0xFE..) after scaling by 0.4 % (docs/domain.md 2.3).
 */
const NO_PERCENT = [-1, 101.6, 102]
/** 65535 unscaled, and after the scaling of SPN 171 (0.03125 C, -273). */
const NO_TEMPERATURE = [-32768, 65535, 1774.96875]

const cargoTemp = (zone: number) =>
  gauge('Cel', `Air temperature of cargo zone ${zone}.`, {
    min: -60,
    max: 80,
    sentinels: NO_TEMPERATURE,
  })

const fields = {
  ...POSITION_FIELDS,
  odometerM: counter('m', 'Total distance of the vehicle; it never decreases.', {
    min: 0,
    max: 1e10,
    sentinels: [-1],
  }),
  engineHoursH: counter('h', 'Total running hours of the engine.', {
    min: 0,
    max: 1e6,
    sentinels: [-1],
  }),
  fuelUsedL: counter('l', 'Total fuel used by the engine.', { min: 0, max: 1e8, sentinels: [-1] }),
  fuelPct: gauge('%', 'Level of the fuel tank.', { min: 0, max: 100, sentinels: NO_PERCENT }),
  adBluePct: gauge('%', 'Level of the diesel exhaust fluid (AdBlue).', {
    min: 0,
    max: 100,
    sentinels: NO_PERCENT,
  }),
  socPct: gauge('%', 'Charge of the traction battery.', {
    min: 0,
    max: 100,
    sentinels: NO_PERCENT,
  }),
  batteryPct: gauge('%', 'Charge of the battery of the tracker.', {
    min: 0,
    max: 100,
    sentinels: [-1, 255],
  }),
  batteryV: gauge('V', 'Voltage of the battery of the tracker.', { min: 0, max: 60 }),
  supplyV: gauge('V', 'Supply voltage from the vehicle.', { min: 0, max: 60 }),
  cargoTemp1C: cargoTemp(1),
  cargoTemp2C: cargoTemp(2),
  cargoTemp3C: cargoTemp(3),
  cargoTemp4C: cargoTemp(4),
  ambientC: gauge('Cel', 'Temperature of the outside air.', {
    min: -60,
    max: 80,
    sentinels: NO_TEMPERATURE,
  }),
  gcwKg: gauge('kg', 'Gross combination weight of truck and trailers.', {
    min: 500,
    max: 200_000,
    // 0 and 0xFFFF x 10 stand for "not available" in 62 of 200 records of a real truck.
    sentinels: [0, 655_350],
  }),
  engineRpm: gauge('1/min', 'Speed of the engine.', { min: 0, max: 4000, sentinels: [-1, 65535] }),
  ignition: flag('The ignition is on.'),
  movement: flag('The vehicle is moving, by its motion sensor.'),
  parkingBrake: flag('The parking brake is engaged.'),
  cargoDoorOpen: flag('A door of the cargo space is open.'),
  driverState: state('Working state of driver 1: REST, DRIVER_AVAILABLE, WORK, DRIVE, ERROR.'),
  driver2State: state('Working state of driver 2, with the values of driverState.'),
  triggerType: state('Trigger of the report: TIMER, IGNITION_ON, DISTANCE_TRAVELLED, ...'),
}

/** A truck or trailer (docs/domain.md 2.6). */
export const truck: KindDefinition = {
  name: 'truck',
  description: 'Position, motion, energy, weight and cargo temperatures of a truck or trailer.',
  retention: 'fleet',
  fields,
  data: dataSchema(fields),
  check: checkPosition,
}
