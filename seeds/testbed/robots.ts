import type { Hall, HallNode } from '../../simulators/models/robot.ts'
import type { Place } from '../../simulators/models/route.ts'

export const ROBOT_TENANT = 'hallebot'
export const MANUFACTURER = 'Fjordbot'

export interface HallSeed {
  readonly hall: Hall
  readonly site: string
  readonly place: Place
  readonly robots: number
}

/** Racks along one side, gates along the other, chargers at the end; in metres. */
function hall(mapId: string, columns: number): Hall {
  const row = (use: HallNode['use'], yM: number): HallNode[] =>
    Array.from({ length: columns }, (_, at) => ({
      id: `${use}-${at + 1}`,
      xM: 6 + at * 9,
      yM,
      use,
    }))
  const charger: HallNode = { id: 'charge-1', xM: 2, yM: 14, use: 'charge' }
  const other: HallNode = { id: 'charge-2', xM: 2, yM: 18, use: 'charge' }
  return { mapId, nodes: [...row('pick', 4), ...row('drop', 28), charger, other] }
}

export const HALLS: readonly HallSeed[] = [
  {
    hall: hall('hall-east', 8),
    site: 'transport-centre-east',
    place: { lat: 54.8306, lon: 9.3372 },
    robots: 14,
  },
  {
    hall: hall('hall-west', 6),
    site: 'transport-centre-west',
    place: { lat: 54.8325, lon: 9.3062 },
    robots: 10,
  },
  {
    hall: hall('hall-harbour', 4),
    site: 'ensted-harbour',
    place: { lat: 55.0218, lon: 9.4362 },
    robots: 6,
  },
]
