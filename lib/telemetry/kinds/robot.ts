import { counter, dataSchema, flag, gauge, state, type KindDefinition } from '../field.ts'
import { POSITION_FIELDS, checkPosition } from '../position.ts'

const { lat, lon, headingDeg } = POSITION_FIELDS

/** Pi, and a little more for senders that round its last digit up. */
const HALF_TURN = Math.PI + 1e-3

const speed = (description: string) => gauge('m/s', description, { min: -20, max: 20 })

const fields = {
  lat,
  lon,
  headingDeg,
  xM: gauge('m', 'Position on the map, x.', { min: -1e5, max: 1e5 }),
  yM: gauge('m', 'Position on the map, y.', { min: -1e5, max: 1e5 }),
  thetaRad: gauge('rad', 'Orientation on the map, from -pi to pi.', {
    min: -HALF_TURN,
    max: HALF_TURN,
  }),
  mapId: state('Map of the position.', { maxLength: 128 }),
  localizationScore: gauge('', 'Confidence of the robot in its position, from 0 to 1.', {
    min: 0,
    max: 1,
  }),
  deviationRangeM: gauge('m', 'Deviation range of the position.', { min: 0, max: 1e4 }),
  vxMps: speed('Forward velocity, in the frame of the robot.'),
  vyMps: speed('Velocity to the left, in the frame of the robot.'),
  omegaRadps: gauge('rad/s', 'Turning speed, counter-clockwise positive.', { min: -20, max: 20 }),
  socPct: gauge('%', 'Charge of the traction battery.', { min: 0, max: 100, sentinels: [-1] }),
  batteryV: gauge('V', 'Voltage of the traction battery.', { min: 0, max: 1000 }),
  batteryA: gauge('A', 'Current of the traction battery, positive while charging.', {
    min: -2000,
    max: 2000,
  }),
  batteryHealthPct: gauge('%', 'Health of the traction battery.', { min: 0, max: 100 }),
  rangeM: gauge('m', 'Distance the robot can still drive.', { min: 0, max: 1e6 }),
  odometerM: counter('m', 'Total distance driven.', { min: 0, max: 1e10, sentinels: [-1] }),
  operatingMode: state('Operating mode as in VDA 5050: AUTOMATIC, MANUAL, ...'),
  driving: flag('The robot is driving.'),
  paused: flag('The robot is paused.'),
  charging: flag('The traction battery is being charged.'),
  localized: flag('The robot knows where it is on the map.'),
  eStop: state('Emergency stop as in VDA 5050: NONE, MANUAL, REMOTE, AUTOACK.'),
  fieldViolation: flag('The protective field is violated.'),
  orderId: state('Current order of the robot; empty without one.', { maxLength: 128 }),
  lastNodeId: state('Last node passed.', { maxLength: 128 }),
  connectionState: state('ONLINE, OFFLINE, HIBERNATING or CONNECTION_BROKEN.'),
  loads: gauge('', 'Number of loads carried.', { min: 0, max: 1000 }),
  loadKg: gauge('kg', 'Weight of all loads carried.', { min: 0, max: 1e5 }),
  errors: gauge('', 'Number of errors the robot currently reports.', {
    min: 0,
    max: 1000,
  }),
  fatalErrors: gauge('', 'Number of errors of level FATAL among them.', { min: 0, max: 1000 }),
}

/**
 * A mobile robot (VDA 5050 state; docs/domain.md 1.4). Outdoors it may have `lat` and `lon` too.
 */
export const robot: KindDefinition = {
  name: 'robot',
  description: 'Position, motion, battery, mode and errors of a mobile robot.',
  retention: 'fleet',
  fields,
  data: dataSchema(fields),
  check: checkPosition,
}
