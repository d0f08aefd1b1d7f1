import type { Judgement } from '../judgement.ts'
import { ageText, instantText } from '../wording.ts'

/** A robot whose `connection` says ONLINE and that does not send the `state` it owes. */
export const stateSilence: Judgement = {
  codes: ['state_silent'],
  judge({ silences, nowNs }) {
    return silences.map(({ topic, sinceNs, limitS }) => {
      const quiet = ageText(Number(nowNs - sinceNs) / 1e9)
      return {
        code: 'state_silent',
        severity: 'error',
        path: topic ?? '',
        example: `ONLINE, and no state since ${instantText(sinceNs)}, for ${quiet}`,
        advice:
          `VDA 5050 asks for state at least every 30 s, and ${ageText(limitS)} have passed: look at ` +
          'the control software of the robot; a robot that may be quiet says OFFLINE or HIBERNATING',
      }
    })
  },
}
