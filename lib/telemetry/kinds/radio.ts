import { dataSchema, gauge, type KindDefinition } from '../field.ts'
import { POSITION_FIELDS, checkPosition } from '../position.ts'
import { RADIO_FIELDS } from '../radio.ts'

const { lat, lon, speedKmh } = POSITION_FIELDS

const fields = {
  ...RADIO_FIELDS,
  pci: gauge('', 'Physical cell identity (TS 38.211 cl. 7.4.2.1; LTE up to 503).', {
    min: 0,
    max: 1007,
    sentinels: [2147483647],
  }),
  tac: gauge('', 'Tracking area code, 24 bit.', {
    min: 0,
    max: 16_777_215,
    sentinels: [2147483647],
  }),
  nrarfcn: gauge('', 'Channel number of the carrier (TS 38.104 cl. 5.4.2).', {
    min: 0,
    max: 3_279_165,
    sentinels: [2147483647],
  }),
  cqi: gauge('', 'Channel quality indicator; 0 is out of range (TS 38.214 cl. 5.2.2.1).', {
    min: 0,
    max: 15,
    sentinels: [2147483647],
  }),
  txPowerDbm: gauge('dBm', 'Transmit power of the device.', { min: -60, max: 40 }),
  lat,
  lon,
  speedKmh,
}

/**
 * Radio conditions as a reading of their own. The values may be in `data`, in `radio`, or in both
 * (then `data` wins); they become fields of the reading and its radio part, so that a radio reading
 * can be grouped by cell and queried like any other.
 */
export const radio: KindDefinition = {
  name: 'radio',
  description: 'Radio conditions seen by a modem.',
  retention: 'fleet',
  fields,
  data: dataSchema(fields),
  check: checkPosition,
  fromAnyDevice: true,
}
