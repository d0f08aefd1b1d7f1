import type { SourceField } from '../trucks/source-fields.ts'

/** The fixed parts of a record. */
export const RECORD_FIELDS: readonly SourceField[] = [
  { from: 'alt', to: 'altM', type: 'number' },
  { from: 'ang', to: 'headingDeg', type: 'number' },
  { from: 'sat', to: 'satellites', type: 'number' },
  { from: 'sp', to: 'speedKmh', type: 'number' },
]

/**
 * Codes of a 1-wire sensor, in tenths of a degree: not ready, read error, not connected, failed.
 */
export const NO_SENSOR = [850, 2000, 3000, 4000, 5000] as const

/**
 * AVL ids that mean the same on every model (wiki.teltonika-gps.com, "Teltonika Data Sending
 * Parameters ID"). Those above 24 that CAN adapters and FMS use differ between models: a device
 * names its own in the setting `avl`. 17 to 19 (axes), 21 (signal, 0 to 5), 199 (trip) and the
 * halves of the card number of the SIM (11, 14) become no field.
 */
export const KNOWN_IDS: readonly SourceField[] = [
  { from: '16', to: 'odometerM', type: 'number' },
  { from: '24', to: 'speedKmh', type: 'number' },
  { from: '66', to: 'supplyV', type: 'number', per: 1000 },
  { from: '67', to: 'batteryV', type: 'number', per: 1000 },
  { from: '113', to: 'batteryPct', type: 'number' },
  { from: '182', to: 'hdop', type: 'number', per: 10 },
  { from: '239', to: 'ignition', type: 'boolean' },
  { from: '240', to: 'movement', type: 'boolean' },
]
