import { dataSchema, gauge, state, type FieldDefinition } from './field.ts'

/** Radio conditions at the moment of a reading (3GPP TS 38.215; docs/domain.md 6). */
export interface Radio {
  readonly rat?: 'lte' | 'nr-nsa' | 'nr-sa' | undefined
  readonly rsrpDbm?: number | undefined
  readonly rsrqDb?: number | undefined
  readonly sinrDb?: number | undefined
  readonly cellId?: string | undefined
  readonly band?: string | undefined
  readonly operator?: string | undefined
}

/** Radio access technologies: LTE, 5G beside an LTE anchor, 5G alone. */
export const RATS = ['lte', 'nr-nsa', 'nr-sa'] as const

/** What readings can be selected by: a technology, or that they name none. */
export const RAT_CHOICES = [...RATS, 'none'] as const
export type RatChoice = (typeof RAT_CHOICES)[number]

/** Android's "unavailable" (docs/domain.md 6). */
const NO_VALUE = 2147483647

/** The radio part that any kind may carry; ranges of TS 38.133 cl. 10.1, which include LTE's. */
export const RADIO_FIELDS = {
  rat: state('Radio access technology: LTE, 5G beside an LTE anchor, 5G alone.', { values: RATS }),
  rsrpDbm: gauge('dBm', 'Received power of the reference signal (SS-RSRP or LTE RSRP).', {
    min: -156,
    max: -31,
    sentinels: [NO_VALUE, -200, -205, -225],
  }),
  rsrqDb: gauge('dB', 'Quality of the reference signal (SS-RSRQ or LTE RSRQ).', {
    min: -43,
    max: 20,
    sentinels: [NO_VALUE],
  }),
  sinrDb: gauge('dB', 'Signal to interference and noise ratio (SS-SINR or LTE RS-SINR).', {
    min: -23,
    max: 40,
    sentinels: [NO_VALUE],
  }),
  cellId: state('Cell identity (NCI or ECI), upper-case hexadecimal.', {
    pattern: /^[0-9A-Fa-f]{1,16}$/,
    upperCase: true,
  }),
  band: state('Frequency band, for example n78.', { maxLength: 16 }),
  operator: state('Network as MCC-MNC, for example 238-01.', { maxLength: 32 }),
} as const satisfies Record<keyof Radio, FieldDefinition>

/** Schema of the radio part: each value optional, null accepted, unknown names ignored. */
export const radioSchema = dataSchema(RADIO_FIELDS)

const RADIO_NAMES = Object.keys(RADIO_FIELDS) as (keyof Radio)[]

/** The radio part among accepted values, cell ids in upper case; null when there is none. */
export function radioOf(values: Readonly<Record<string, unknown>>): Radio | null {
  const radio: Record<string, unknown> = {}
  let any = false
  for (const name of RADIO_NAMES) {
    const value = values[name]
    if (value === undefined || value === null) continue
    radio[name] = value
    any = true
  }
  return any ? radio : null
}
