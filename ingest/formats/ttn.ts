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
 * LoRaWAN meters and trackers through The Things Stack v3 (thethingsindustries.com, "Data
 * Formats"): the payload formatter of the device has decoded its bytes to names and numbers. Names
 * of our fields are taken as they are, others through the setting `ttn` of the device.
 */
export const ttn: Format = {
  name: 'ttn',
  description:
    'Uplinks of The Things Stack v3 with decoded_payload; joins and downlinks are events.',
  settings: { timezone, lenient, ttn: UPLINK_SETTING },
  parse: (input) => readNetworkJson(input, (payload, kind) => readMessage(payload, kind, input)),
}

const UPLINK = 'uplink_message'

const NAMES: UplinkNames = {
  setting: 'ttn',
  advice: 'give the device a payload formatter in The Things Stack',
  decoded: [UPLINK, 'decoded_payload'],
  time: [UPLINK, 'received_at'],
  counter: [UPLINK, 'f_cnt'],
}

/** The other messages of an end device: about the network, not about its values. */
const EVENTS = [
  'join_accept',
  'downlink_ack',
  'downlink_nack',
  'downlink_sent',
  'downlink_failed',
  'downlink_queued',
  'downlink_queue_invalidated',
  'location_solved',
  'service_data',
]

function readMessage(payload: Values, kind: Kind, input: FormatInput): FormatOutput {
  const uplink = payload[UPLINK]
  if (!isRecord(uplink)) {
    const isEvent = uplink === undefined && EVENTS.some((name) => isRecord(payload[name]))
    return isEvent ? EVENT : refuse(wrong([UPLINK], 'object', describe(uplink)))
  }
  const decoded = uplink['decoded_payload']
  // A frame may carry commands of the network alone.
  if (decoded === undefined && uplink['frm_payload'] === undefined) return EVENT
  const parts = {
    decoded,
    time: uplink['received_at'],
    counter: uplink['f_cnt'],
    isOtherDevice: isOtherDevice(payload['end_device_ids'], input.channel),
  }
  return readUplink(parts, NAMES, kind, input)
}

/** `v3/<application>@<tenant>/devices/<device>/up`: the topic wins (docs/domain.md 8.5). */
function isOtherDevice(ids: unknown, channel: string): boolean {
  const [root, , devices, named] = channel.split('/')
  const id = isRecord(ids) ? ids['device_id'] : undefined
  return root === 'v3' && devices === 'devices' && typeof id === 'string' && id !== named
}
