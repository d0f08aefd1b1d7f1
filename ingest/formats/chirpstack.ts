import { lenient, timezone } from '#lib/telemetry/shared-settings.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Format, FormatInput, FormatOutput } from './format.ts'
import {
  UPLINK_SETTING,
  readNetworkJson,
  readUplink,
  wrong,
  type UplinkNames,
} from './lorawan/uplink.ts'
import { isRecord, type Values } from './payload/problem.ts'
import { describe } from './payload/reason.ts'
import { EVENT, refuse } from './payload/refusal.ts'

/**
 * LoRaWAN meters and trackers through the MQTT integration of ChirpStack v4 (chirpstack.io, "Event
 * types"): the codec of the device profile has decoded the bytes to names and numbers. Names of our
 * fields are taken as they are, others through the setting `chirpstack` of the device.
 */
export const chirpstack: Format = {
  name: 'chirpstack',
  description:
    'Events "up" of ChirpStack v4 with a decoded object; joins and downlinks are events.',
  settings: { timezone, lenient, chirpstack: UPLINK_SETTING },
  parse: (input) => readNetworkJson(input, (payload, kind) => readEvent(payload, kind, input)),
}

const NAMES: UplinkNames = {
  setting: 'chirpstack',
  advice: 'give the device profile a codec in ChirpStack',
  decoded: ['object'],
  time: ['time'],
  counter: ['fCnt'],
}

/**
 * No event says what it is but by its topic, which an installation can change. Every one is about a
 * device; only an uplink has bytes, and an object but for the results of other integrations.
 */
function readEvent(payload: Values, kind: Kind, input: FormatInput): FormatOutput {
  const { deviceInfo, object: decoded, data, integrationName } = payload
  if (!isRecord(deviceInfo)) return refuse(wrong(['deviceInfo'], 'object', describe(deviceInfo)))
  if (isAbsent(decoded) && isAbsent(data)) return EVENT
  if (integrationName !== undefined) return EVENT
  const parts = {
    decoded,
    time: payload['time'],
    counter: payload['fCnt'],
    isOtherDevice: isOtherDevice(deviceInfo['devEui'], input.channel),
  }
  return readUplink(parts, NAMES, kind, input)
}

/** Early versions leave out what is empty, later ones write it. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** `application/<application>/device/<EUI>/event/up`: the topic wins (docs/domain.md 8.5). */
function isOtherDevice(eui: unknown, channel: string): boolean {
  const [root, , device, named = ''] = channel.split('/')
  if (root !== 'application' || device !== 'device' || typeof eui !== 'string') return false
  return eui.toLowerCase() !== named.toLowerCase()
}
