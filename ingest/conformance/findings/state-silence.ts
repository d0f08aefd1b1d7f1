import type { FindingRule } from '../finding.ts'
import { ageText, instantText } from '../text.ts'

/** A robot whose `connection` says ONLINE and that sends no `state`. */
export const stateSilence: FindingRule = {
  codes: ['state_silent'],
  find({ silences, nowNs }) {
    return silences.map(({ topic, sinceNs, limitS }) => {
      const quiet = ageText(Number(nowNs - sinceNs) / 1e9)
      return {
        code: 'state_silent',
        severity: 'error',
        path: topic ?? '',
        example: `ONLINE, and no state since ${instantText(sinceNs)}, for ${quiet}`,
        advice:
          `VDA 5050 requires state at least every 30 s, and ${ageText(limitS)} have passed: look at ` +
          'the control software of the robot; a robot that sends no state has to say OFFLINE or HIBERNATING',
      }
    })
  },
}
