import { z } from 'zod'
import {
  choiceSetting,
  flagSetting,
  numberSetting,
  setting,
  textSetting,
  type Settings,
} from './setting.ts'
import { ID_PATTERN } from './ids.ts'

/* Settings that several kinds or formats share. */

export const timezone = textSetting('an IANA time zone such as Europe/Copenhagen', {
  description: 'Time zone of times that the payload gives without one.',
  isOne: isTimezone,
})

export const lenient = flagSetting({
  description: 'Read what can be read of a payload that lacks required fields.',
})

export const meterId = setting(
  z.union([z.string().regex(/^[\w.:-]{1,64}$/), z.int().min(0).max(Number.MAX_SAFE_INTEGER)]),
  'the number of the meter: up to 64 letters, digits, and _ . : -',
  { description: 'Number printed on the meter; another one in the payload is flagged.' },
)

export const energyUnit = choiceSetting(['Wh', 'kWh', 'MWh', 'GWh', 'MJ', 'GJ', 'Gcal'], {
  description: 'Unit of the energy register as the meter shows it.',
  changesFigures: true,
})

export const medium = textSetting('a medium such as heat or cooling', {
  description: 'What the meter measures, where the payload does not tell; cooling is kept apart.',
})

/** Also a name within an object, `gps.lat`. */
const MAX_MAPPED = 200

export const mappedName = z.string().min(1).max(256)

/** The names of a payload and the field that each means. */
export function mappingSetting(rule: z.ZodType, expected: string, description: string) {
  const few = z
    .record(mappedName, rule)
    .refine((value) => Object.keys(value).length <= MAX_MAPPED, `at most ${MAX_MAPPED} names`)
  return setting(few, expected, { description })
}

const factor = z.number().gt(0)

/** A field and the factor to its unit. */
export const fieldRule = z.strictObject({
  to: z.string().min(1).max(64),
  times: factor.optional(),
  per: factor.optional(),
})

/** Settings of each energy register. */
export const REGISTER_SETTINGS: Settings = {
  role: choiceSetting(['handoff', 'delivered', 'heat_pump_power', 'heat_pump', 'it', 'total'], {
    description: 'Where the meter stands: heat is counted at handoff and at delivered.',
    changesFigures: true,
  }),
  dataCentre: placeSetting('Data centre the meter belongs to.'),
  heatNetwork: placeSetting('District heating network the meter belongs to.'),
  town: placeSetting('Town that receives the heat.'),
  municipality: placeSetting('Municipality of that town.'),
  maxPowerKw: numberSetting({
    unit: 'kW',
    min: 1e-3,
    max: 1e6,
    description: 'Largest power the meter can see: a register that rises faster is wrong.',
    changesFigures: true,
  }),
  energyUnit,
  registerDigits: numberSetting({
    unit: '',
    min: 1,
    max: 15,
    whole: true,
    description: 'Digits before the decimal sign: the register goes on from 0 after them.',
    changesFigures: true,
  }),
  registerStep: numberSetting({
    unit: '',
    min: 1e-9,
    max: 1e6,
    description: 'Smallest step of the register, in its unit.',
    changesFigures: true,
  }),
  accuracyClass: numberSetting({
    unit: '',
    min: 0.1,
    max: 10,
    description: 'Accuracy class of the meter (EN 1434: 1, 2 or 3).',
    changesFigures: true,
  }),
  meterId,
  timezone,
}

function placeSetting(description: string) {
  return textSetting('a name of 1 to 4096 characters', { description, changesFigures: true })
}

/** Settings that every device has. */
export const COMMON_SETTINGS: Settings = {
  gateway: textSetting('the short id of the gateway that carries the device', {
    description: 'Short id of the gateway that may send for this device.',
    pattern: ID_PATTERN,
  }),
  labels: setting(
    z
      .record(z.string().min(1).max(64), z.union([z.string().max(256), z.number(), z.boolean()]))
      .refine((value) => Object.keys(value).length <= 32),
    'an object of at most 32 texts, numbers, true or false',
    { description: 'Names and values of your own; the platform does not read them.' },
  ),
  simulated: flagSetting({ description: 'A load test or simulator plays this device.' }),
}

const MAX_SUB_DEVICES = 100_000

export const GATEWAY_SETTINGS: Settings = {
  createSubDevices: setting(
    z.union([z.boolean(), z.int().min(1).max(MAX_SUB_DEVICES)]),
    `true, false or a number from 1 to ${MAX_SUB_DEVICES}`,
    { description: 'Whether devices that the gateway names are created, and at most how many.' },
  ),
}

function isTimezone(name: string): boolean {
  // An offset such as +01:00 is taken by Intl too, but knows no summer time.
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    void new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
