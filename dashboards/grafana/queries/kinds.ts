import { KIND_NAMES, KINDS } from '#lib/telemetry/catalogue.ts'

/** Kinds of moving devices: every one of their readings may carry radio values. */
export const FLEET_KINDS = KIND_NAMES.filter((kind) => KINDS[kind].retention === 'fleet')
export const METER_KINDS = KIND_NAMES.filter((kind) => KINDS[kind].retention === 'metering')

/** The same as a list of measurements. A measurement without points gives no rows. */
export const FLEET = FLEET_KINDS.map((kind) => `"${kind}"`).join(', ')
