import type { Cell, RadioMap } from '../../simulators/models/radio.ts'

type Kind = Pick<Cell, 'rat' | 'band' | 'operator' | 'at1kmDbm'>

/** Standalone 5G of the testbed, public 5G beside LTE, and LTE alone. */
const testbed: Kind = { rat: 'nr-sa', band: 'n78', operator: '238-01', at1kmDbm: -82 }
const public5g: Kind = { rat: 'nr-nsa', band: 'n78', operator: '238-01', at1kmDbm: -86 }
const public4g: Kind = { rat: 'lte', band: 'b20', operator: '238-02', at1kmDbm: -80 }
const german: Kind = { rat: 'nr-nsa', band: 'n78', operator: '262-01', at1kmDbm: -86 }

/** Masts are invented, at places where coverage for the roads would need them. */
const CELLS: readonly Cell[] = [
  { id: '5D0A10001', lat: 54.833, lon: 9.337, ...testbed },
  { id: '5D0A10002', lat: 54.834, lon: 9.306, ...testbed },
  { id: '5D0A20001', lat: 54.86, lon: 9.334, ...public5g },
  { id: '1B7C301', lat: 54.9, lon: 9.352, ...public4g },
  { id: '5D0A20002', lat: 54.937, lon: 9.374, ...public5g },
  { id: '1B7C302', lat: 54.985, lon: 9.356, ...public4g },
  { id: '5D0A20003', lat: 55.016, lon: 9.366, ...public5g },
  { id: '5D0A10003', lat: 55.022, lon: 9.435, ...testbed },
  { id: '5D0A20004', lat: 55.068, lon: 9.355, ...public5g },
  { id: '1B7C303', lat: 55.12, lon: 9.368, ...public4g },
  { id: '1B7C304', lat: 55.18, lon: 9.375, ...public4g },
  { id: '5D0A20005', lat: 55.248, lon: 9.405, ...public5g },
  { id: '2F11E0001', lat: 54.795, lon: 9.36, ...german },
  { id: '2F11E0002', lat: 54.795, lon: 9.44, ...german },
]

export const RADIO_MAP: RadioMap = {
  cells: CELLS,
  /** A forest between Kliplev and Aabenraa Syd: two minutes without service at 80 km/h. */
  deadZones: [{ lat: 54.966, lon: 9.3665, radiusM: 1400 }],
}
