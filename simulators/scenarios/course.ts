import type { RadioMap } from '../models/radio.ts'
import { createRoute } from '../models/route.ts'
import type { Hall } from '../models/robot.ts'
import type { Course } from '../models/truck.ts'

/*
 * An invented site for load runs: a straight road on the sea, a cell every few kilometres, a hall. A
 * testbed has sites of its own.
 */

const WEST = 7.5
const LAT = 55.5

export const testCourse: Course = {
  route: createRoute([
    [LAT, WEST],
    [LAT + 0.02, WEST + 0.1],
    [LAT, WEST + 0.25],
    [LAT - 0.01, WEST + 0.4],
  ]),
  limits: [
    { fromM: 0, speedKmh: 50 },
    { fromM: 1500, speedKmh: 80 },
  ],
  stops: [],
}

const lte = { rat: 'lte', band: 'b3', at1kmDbm: -88 } as const
const nr = { rat: 'nr-sa', band: 'n78', at1kmDbm: -84 } as const
const operator = '001-01'

export const testMap: RadioMap = {
  cells: [
    { id: '5C4000001', lat: LAT + 0.02, lon: WEST + 0.02, operator, ...nr },
    { id: '5C4000002', lat: LAT + 0.03, lon: WEST + 0.15, operator, ...nr },
    { id: '1A2B001', lat: LAT - 0.01, lon: WEST + 0.27, operator, ...lte },
    { id: '1A2B002', lat: LAT - 0.02, lon: WEST + 0.38, operator, ...lte },
  ],
  deadZones: [],
}

export const testHall: Hall = {
  mapId: 'test-hall',
  nodes: [
    { id: 'pick-1', xM: 0, yM: 0, use: 'pick' },
    { id: 'pick-2', xM: 30, yM: 0, use: 'pick' },
    { id: 'drop-1', xM: 0, yM: 18, use: 'drop' },
    { id: 'drop-2', xM: 30, yM: 18, use: 'drop' },
    { id: 'charge-1', xM: 15, yM: 22, use: 'charge' },
  ],
}
