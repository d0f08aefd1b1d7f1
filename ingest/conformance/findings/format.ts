import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { FindingRule } from '../finding.ts'

/** "This looks like Teltonika JSON, but the device is registered as native." */
export const format: FindingRule = {
  codes: ['format_other'],
  find({ device, otherFormat }) {
    if (!otherFormat) return []
    const { name, instead, excerpt } = otherFormat
    const advice =
      `this looks like ${name}, but it was read as ${instead}: register the device again with ` +
      `"format": "${name}", then POST /api/v1/rejections/replay stores what was rejected; or leave ` +
      `it registered as it is and publish to ${nativeTopic(device.id, name)} from now on`
    return [{ code: 'format_other', severity: 'error', path: '', example: excerpt, advice }]
  },
}
