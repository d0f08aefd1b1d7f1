import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { FindingRule } from '../finding.ts'
import { ageText, instantText } from '../text.ts'

/** A device counts as stopped after so many of its usual pauses, but not before `MIN_QUIET_S`. */
const MAX_PAUSES = 10
const MIN_QUIET_S = 300

/** A device that has never sent, has stopped sending, or sends messages without readings. */
export const silence: FindingRule = {
  codes: ['silent', 'stopped', 'no_readings'],
  find({ device, nowNs, facts, last }) {
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
        `${device.format}, on its topics (docs/devices.md), with a correct clock`
      return [{ code: 'no_readings', severity: 'warning', path: '', example, advice }]
    }
    const quietS = Number(nowNs - lastReceivedAtNs) / 1e9
    const pauses = Math.max(1, (transport?.messages ?? 0) - 1)
    const usualS = Number(lastReceivedAtNs - firstReceivedAtNs) / 1e9 / pauses
    if (quietS < Math.max(MIN_QUIET_S, MAX_PAUSES * usualS)) return []
    const example = `last message at ${instantText(lastReceivedAtNs)}, ${ageText(quietS)} ago`
    const advice =
      `until then one came every ${ageText(usualS)}; look at the power, the SIM and the log of the ` +
      'device, and whether its credentials are still valid'
    return [{ code: 'stopped', severity: 'warning', path: '', example, advice }]
  },
}
