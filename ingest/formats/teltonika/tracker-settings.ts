import { z } from 'zod'
import { setting } from '#lib/telemetry/setting.ts'
import { MAPPED_SETTING } from '../trucks/mapped-fields.ts'

/** What AVL ids of this model mean. */
export const avl = MAPPED_SETTING

/** The last digit is not checked: trackers may send 0 in its place (3GPP TS 23.003, 6.2.1). */
export const imei = setting(
  z.union([
    z.string().regex(/^\d{15}$/),
    z
      .int()
      .min(1e14)
      .max(1e15 - 1),
  ]),
  'the 15 digits of the IMEI',
  { description: 'IMEI of the tracker, by which it signs in.' },
)
