import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { Judgement } from '../judgement.ts'
import { ageText, instantText } from '../wording.ts'

/** How many of its usual pauses a device may be quiet before it counts as stopped. */
const PAUSES = 10
/** No device is called stopped earlier. */
const SHORTEST_S = 300

/** A device that never sent, that sends nothing any more, or whose messages hold no reading. */
export const silence: Judgement = {
  codes: ['silent', 'stopped', 'no_readings'],
  judge({ device, nowNs, facts, last }) {
    const { firstReceivedAtNs, lastReceivedAtNs, stored, transport } = facts
    if (firstReceivedAtNs === null || lastReceivedAtNs === null) {
      const format = device.format === 'native' ? 'telemetry' : device.format
      const topics = [nativeTopic(device.id, format), ...device.topics].join(' or ')
      const advice =
        `connect by MQTT 3.1.1 with user name ${device.id} and a password of POST ` +
        `/api/v1/devices/${device.id}/credentials, then publish ${device.format} with QoS 1 to ` +
        `${topics}; a refused connection or topic is in the log and in /metrics of the platform`
      const example = 'no message has ever arrived'
      return [{ code: 'silent', severity: 'error', path: '', example, advice }]
    }
    if (stored > 0 && last.length === 0) {
      const example = `${stored} messages stored, none with a reading of a usable time`
      const advice =
        `messages without readings are kept as events; send readings in the format ` +
        `${device.format}, on the topics it reads (docs/devices.md), with a right clock`
      return [{ code: 'no_readings', severity: 'warning', path: '', example, advice }]
    }
    const quietS = Number(nowNs - lastReceivedAtNs) / 1e9
    const pauses = Math.max(1, (transport?.messages ?? 0) - 1)
    const usualS = Number(lastReceivedAtNs - firstReceivedAtNs) / 1e9 / pauses
    if (quietS < Math.max(SHORTEST_S, PAUSES * usualS)) return []
    const example = `last message at ${instantText(lastReceivedAtNs)}, ${ageText(quietS)} ago`
    const advice =
      `until then one came every ${ageText(usualS)}; look at the power, the SIM and the log of the ` +
      'device, and whether its credentials are still valid'
    return [{ code: 'stopped', severity: 'warning', path: '', example, advice }]
  },
}
