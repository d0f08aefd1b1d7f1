import type { RobotOutput } from '../models/robot.ts'

export interface RobotName {
  readonly manufacturer: string
  readonly serialNumber: string
}

export interface Header {
  readonly headerId: number
  readonly atMs: number
}

export type ConnectionState = 'ONLINE' | 'OFFLINE' | 'CONNECTIONBROKEN'

const VERSION = '2.1.0'

/** `state` of VDA 5050 2.1, clause 6.10, with every field that its schema requires. */
export function stateMessage(name: RobotName, header: Header, robot: RobotOutput): string {
  return JSON.stringify({
    ...headerOf(name, header),
    orderId: robot.orderId,
    orderUpdateId: 0,
    lastNodeId: robot.lastNodeId,
    lastNodeSequenceId: robot.orders * 2,
    nodeStates: [],
    edgeStates: [],
    actionStates: [],
    driving: robot.driving,
    paused: false,
    newBaseRequest: false,
    distanceSinceLastNode: robot.sinceNodeM,
    operatingMode: 'AUTOMATIC',
    agvPosition: positionOf(robot),
    velocity: velocityOf(robot),
    loads:
      robot.loadKg === null
        ? []
        : [{ loadId: `${robot.orderId}-1`, loadType: 'EPAL', weight: robot.loadKg }],
    batteryState: {
      batteryCharge: robot.socPct,
      batteryVoltage: robot.batteryV,
      charging: robot.charging,
      reach: Math.round(robot.socPct * 180),
    },
    errors: robot.fieldViolation
      ? [{ errorType: 'pathBlocked', errorLevel: 'WARNING', errorReferences: [] }]
      : [],
    information: [],
    safetyState: { eStop: 'NONE', fieldViolation: robot.fieldViolation },
  })
}

/** `visualization` of clause 6.13: where the robot is, more often than its state. */
export function visualizationMessage(name: RobotName, header: Header, robot: RobotOutput): string {
  return JSON.stringify({
    ...headerOf(name, header),
    agvPosition: positionOf(robot),
    velocity: velocityOf(robot),
  })
}

/** `connection` of clause 6.14; the last will says CONNECTIONBROKEN. */
export function connectionMessage(
  name: RobotName,
  header: Header,
  connectionState: ConnectionState,
): string {
  return JSON.stringify({ ...headerOf(name, header), connectionState })
}

function headerOf({ manufacturer, serialNumber }: RobotName, { headerId, atMs }: Header) {
  const timestamp = Temporal.Instant.fromEpochMilliseconds(Math.round(atMs)).toString({
    fractionalSecondDigits: 3,
  })
  return { headerId, timestamp, version: VERSION, manufacturer, serialNumber }
}

function positionOf({ xM, yM, thetaRad, mapId, score }: RobotOutput) {
  const place = { x: xM, y: yM, theta: thetaRad, mapId }
  return { ...place, positionInitialized: true, localizationScore: score }
}

function velocityOf({ vxMps, omegaRadps }: RobotOutput) {
  return { vx: vxMps, vy: 0, omega: omegaRadps }
}
