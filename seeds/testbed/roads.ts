import { createRoute } from '../../simulators/models/route.ts'
import type { Course } from '../../simulators/models/truck.ts'

type Point = readonly [lat: number, lon: number]

/** From the terminal of the eastern centre to the motorway junction. */
const TERMINAL: readonly Point[] = [
  [54.832, 9.335],
  [54.8338, 9.3318],
  [54.8342, 9.3268],
  [54.8325, 9.3225],
]

/** E45 from the junction at the centre northwards to Haderslev V: 30 points, schematic. */
export const E45_NORTH: readonly Point[] = [
  [54.83, 9.32],
  [54.84, 9.3205],
  [54.849, 9.323],
  [54.858, 9.327],
  [54.867, 9.332],
  [54.876, 9.338],
  [54.885, 9.345],
  [54.894, 9.352],
  [54.903, 9.358],
  [54.912, 9.363],
  [54.921, 9.367],
  [54.93, 9.37],
  [54.942, 9.3715],
  [54.954, 9.37],
  [54.966, 9.3665],
  [54.978, 9.363],
  [54.99, 9.361],
  [55.01, 9.36],
  [55.025, 9.3615],
  [55.04, 9.3625],
  [55.055, 9.3615],
  [55.07, 9.36],
  [55.09, 9.3595],
  [55.112, 9.362],
  [55.134, 9.366],
  [55.156, 9.371],
  [55.178, 9.377],
  [55.202, 9.385],
  [55.226, 9.393],
  [55.25, 9.4],
]

/** From the junction over the border towards Flensburg. */
const TO_FLENSBURG: readonly Point[] = [
  [54.83, 9.32],
  [54.82, 9.3198],
  [54.81, 9.32],
  [54.799, 9.327],
  [54.79, 9.345],
  [54.787, 9.38],
  [54.789, 9.415],
  [54.794, 9.447],
]

/** From Aabenraa Syd to the harbour. */
const TO_HARBOUR: readonly Point[] = [
  [55.01, 9.36],
  [55.0105, 9.385],
  [55.0135, 9.41],
  [55.018, 9.427],
  [55.022, 9.437],
]

/** Roads of the centre: terminal, under the motorway, the western area and its yards. */
const CENTRE: readonly Point[] = [
  [54.832, 9.335],
  [54.8286, 9.3348],
  [54.8274, 9.3292],
  [54.8301, 9.3245],
  [54.8312, 9.3185],
  [54.8309, 9.3118],
  [54.8338, 9.3072],
  [54.8352, 9.3018],
  [54.832, 9.305],
]

const untilAabenraaSyd = E45_NORTH.slice(0, 18)

function motorway(points: readonly Point[], name: string): Course {
  const route = createRoute(points)
  return {
    route,
    limits: [
      { fromM: 0, speedKmh: 30 },
      { fromM: 350, speedKmh: 50 },
      { fromM: 1100, speedKmh: 80 },
      { fromM: route.lengthM - 1200, speedKmh: 60 },
    ],
    stops: [
      { atM: 0, minutes: [4, 18], name: 'terminal' },
      { atM: route.lengthM, minutes: [2, 9], name },
    ],
  }
}

const centreRoute = createRoute(CENTRE)

export const COURSES = {
  e45: motorway([...TERMINAL, ...E45_NORTH], 'Haderslev V'),
  border: motorway([...TERMINAL, ...TO_FLENSBURG], 'Flensburg'),
  harbour: motorway([...TERMINAL, ...untilAabenraaSyd, ...TO_HARBOUR.slice(1)], 'Ensted harbour'),
  centre: {
    route: centreRoute,
    limits: [
      { fromM: 0, speedKmh: 30 },
      { fromM: 400, speedKmh: 50 },
      { fromM: centreRoute.lengthM - 600, speedKmh: 30 },
    ],
    stops: [
      { atM: 0, minutes: [1, 4], name: 'terminal' },
      { atM: centreRoute.lengthM / 2, minutes: [0.3, 1.5], name: 'gate' },
      { atM: centreRoute.lengthM, minutes: [1, 4], name: 'western yard' },
    ],
  },
} as const satisfies Record<string, Course>

export type CourseName = keyof typeof COURSES
