/**
 * Places of the testbed: docs/domain.md 10, rounded to a few hundred metres; not for navigation.
 */
export interface Site {
  readonly id: string
  readonly name: string
  readonly position: { readonly lat: number; readonly lon: number }
  /** Closed ring of [lat, lon]. */
  readonly outline: readonly (readonly [number, number])[] | null
}

type Corner = readonly [number, number]

const ring = (corners: readonly Corner[]): readonly Corner[] => [...corners, ...corners.slice(0, 1)]

function site(id: string, name: string, [lat, lon]: Corner, corners?: readonly Corner[]): Site {
  return { id, name, position: { lat, lon }, outline: corners ? ring(corners) : null }
}

export const SITES: readonly Site[] = [
  site(
    'transport-centre-east',
    'Padborg Transportcenter, east',
    [54.832, 9.335],
    [
      [54.8385, 9.3255],
      [54.8392, 9.343],
      [54.8312, 9.3478],
      [54.8248, 9.3405],
      [54.8262, 9.3262],
    ],
  ),
  site(
    'transport-centre-west',
    'Padborg Transportcenter, west',
    [54.832, 9.305],
    [
      [54.8382, 9.2965],
      [54.8378, 9.3145],
      [54.8268, 9.3152],
      [54.8255, 9.2992],
    ],
  ),
  site(
    'ensted-harbour',
    'Ensted harbour',
    [55.022, 9.437],
    [
      [55.0252, 9.4312],
      [55.0246, 9.4432],
      [55.0188, 9.4448],
      [55.0192, 9.4325],
    ],
  ),
  site(
    'dc-kassoe',
    'Data centre Kassø (fictional)',
    [55.03, 9.27],
    [
      [55.0345, 9.2612],
      [55.0342, 9.2785],
      [55.0255, 9.2792],
      [55.0258, 9.262],
    ],
  ),
  site(
    'dc-padborg-west',
    'Data centre Padborg west (fictional)',
    [54.8355, 9.3005],
    [
      [54.8368, 9.2982],
      [54.8366, 9.3028],
      [54.8342, 9.303],
      [54.8344, 9.2984],
    ],
  ),
  site('town-padborg', 'Padborg', [54.825, 9.36]),
  site('town-aabenraa', 'Aabenraa', [55.044, 9.418]),
  site('town-roedekro', 'Rødekro', [55.071, 9.335]),
  site('town-haderslev', 'Haderslev', [55.249, 9.49]),
  site('town-soenderborg', 'Sønderborg', [54.909, 9.807]),
  site('town-toender', 'Tønder', [54.933, 8.867]),
  site('town-tinglev', 'Tinglev', [54.934, 9.253]),
  site('town-flensburg', 'Flensburg', [54.794, 9.447]),
]
