import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { LastValue } from '#lib/telemetry/questions.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { Evidence, Judgement } from '../judgement.ts'
import { instantText, numberText } from '../wording.ts'

/** Off by more than this is wrong whatever it is used for; by more than the second, useless. */
const WRONG_MS = 1000
const USELESS_MS = 60_000

const SYNCHRONISE = 'let the device set its clock by NTP or GNSS before it stamps readings'

/** Years off, off as measured, off as its own readings show, or not measured. */
export const clock: Judgement = {
  codes: ['clock_invalid', 'clock_offset', 'clock_unmeasured'],
  judge(evidence) {
    const { facts } = evidence
    if (facts.firstReceivedAtNs === null) return []
    const invalid = facts.flags.clock_invalid ?? 0
    const measured = facts.clock ? measuredFinding(facts.clock) : unmeasured(evidence)
    return [...(invalid > 0 ? [invalidFinding(invalid)] : []), ...measured]
  },
}

function invalidFinding(count: number): ConformanceFinding {
  const example = `${count} readings before 2015 or more than a day ahead`
  const advice = `${SYNCHRONISE}; these readings stand at their receive time`
  return { code: 'clock_invalid', severity: 'error', path: 'ts', example, advice }
}

function measuredFinding({
  offsetMs,
  boundMs,
}: {
  readonly offsetMs: number
  readonly boundMs: number
}): ConformanceFinding[] {
  const sureMs = Math.abs(offsetMs) - boundMs
  if (sureMs <= WRONG_MS) return []
  const side = offsetMs > 0 ? 'ahead' : 'behind'
  const example = `${numberText(Math.abs(offsetMs))} ms ${side}, +/- ${numberText(boundMs)} ms`
  return [offset(sureMs, example)]
}

function offset(sureMs: number, example: string): ConformanceFinding {
  const severity = sureMs > USELESS_MS ? 'error' : 'warning'
  return { code: 'clock_offset', severity, path: 'ts', example, advice: SYNCHRONISE }
}

/** Without an exchange a clock that is ahead still shows: readings come before their own time. */
function unmeasured({ device, last }: Evidence): ConformanceFinding[] {
  const most = last.reduce<LastValue | null>(
    (worst, value) => (worst && aheadMs(worst) >= aheadMs(value) ? worst : value),
    null,
  )
  if (most && aheadMs(most) > WRONG_MS) {
    const { timeNs, receivedAtNs } = most
    const example = `says ${instantText(timeNs)}, received ${instantText(receivedAtNs)}`
    return [offset(aheadMs(most), example)]
  }
  const advice =
    `one-way latency is unknown without it: publish {"id","t1"} to ` +
    `${nativeTopic(device.id, 'clock/request')} every few minutes (docs/devices.md)`
  const example = 'no exchange of clocks yet'
  return [{ code: 'clock_unmeasured', severity: 'info', path: 'ts', example, advice }]
}

function aheadMs({ timeNs, receivedAtNs }: LastValue): number {
  return Number(timeNs - receivedAtNs) / 1e6
}
