import { createRoute, type Route } from '../../simulators/models/route.ts'

export const PROBE_TENANT = 'netlab'

export interface ProbeSeed {
  readonly id: string
  readonly kind: 'radio' | 'probe'
  readonly site: string
  /** Walked back and forth. */
  readonly route: Route
  readonly speedMps: number
}

export const PROBES: readonly ProbeSeed[] = [
  {
    id: 'scanner-east',
    kind: 'radio',
    site: 'transport-centre-east',
    route: createRoute([
      [54.8375, 9.328],
      [54.833, 9.3415],
      [54.827, 9.339],
    ]),
    speedMps: 1.3,
  },
  {
    id: 'scanner-west',
    kind: 'radio',
    site: 'transport-centre-west',
    route: createRoute([
      [54.837, 9.2985],
      [54.831, 9.303],
      [54.827, 9.3125],
    ]),
    speedMps: 1.3,
  },
  {
    id: 'probe-terminal',
    kind: 'probe',
    site: 'transport-centre-east',
    route: createRoute([
      [54.8318, 9.3352],
      [54.8321, 9.3356],
    ]),
    speedMps: 0.02,
  },
  {
    id: 'probe-motorway',
    kind: 'probe',
    site: 'transport-centre-east',
    route: createRoute([
      [54.902, 9.3555],
      [54.9022, 9.3557],
    ]),
    speedMps: 0.02,
  },
  {
    id: 'probe-harbour',
    kind: 'probe',
    site: 'ensted-harbour',
    route: createRoute([
      [55.0221, 9.4365],
      [55.0223, 9.4369],
    ]),
    speedMps: 0.02,
  },
]
