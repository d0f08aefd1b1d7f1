import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { LastValue } from '#lib/telemetry/reading.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { Evidence, FindingRule } from '../finding.ts'
import { instantText, numberText } from '../text.ts'

/** A larger offset is a warning, and an error above the second limit. */
const WARNING_MS = 1000
const ERROR_MS = 60_000

const DAY_MS = 86_400_000

const SYNCHRONISE = 'let the device set its clock by NTP or GNSS before it stamps readings'

/** A clock that is invalid, off by measurement or by its own readings, or not measured. */
export const clock: FindingRule = {
  codes: ['clock_invalid', 'clock_offset', 'clock_behind', 'clock_unmeasured'],
  find(evidence) {
    const { facts } = evidence
    if (facts.firstReceivedAtNs === null) return []
    const invalid = facts.flags.clock_invalid ?? 0
    const measured = facts.clock ? measuredFinding(facts.clock) : unmeasured(evidence)
    return [...(invalid > 0 ? [invalidFinding(invalid)] : []), ...measured]
  },
}

function invalidFinding(count: number): ConformanceFinding {
  const example = `${count} readings before 2015, more than a day ahead, or behind by more than the retention`
  const advice = `${SYNCHRONISE}; these readings are stored at their receive time`
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
  if (sureMs <= WARNING_MS) return []
  const side = offsetMs > 0 ? 'ahead' : 'behind'
  const example = `${numberText(Math.abs(offsetMs))} ms ${side}, +/- ${numberText(boundMs)} ms`
  return [offset(sureMs, example)]
}

function offset(sureMs: number, example: string): ConformanceFinding {
  const severity = sureMs > ERROR_MS ? 'error' : 'warning'
  return { code: 'clock_offset', severity, path: 'ts', example, advice: SYNCHRONISE }
}

/**
 * Also without an exchange a clock is known to be ahead, as readings arrive before their own time; or
 * behind, as they all arrive the same time after it.
 */
function unmeasured({ device, last, constantLagMs }: Evidence): ConformanceFinding[] {
  if (constantLagMs !== null) return [behind(constantLagMs)]
  const furthest = last.reduce<LastValue | null>(
    (worst, value) => (worst && aheadMs(worst) >= aheadMs(value) ? worst : value),
    null,
  )
  if (furthest && aheadMs(furthest) > WARNING_MS) {
    const { timeNs, receivedAtNs } = furthest
    const example = `says ${instantText(timeNs)}, received ${instantText(receivedAtNs)}`
    return [offset(aheadMs(furthest), example)]
  }
  const advice =
    `one-way latency is unknown without it: publish {"id","t1"} to ` +
    `${nativeTopic(device.id, 'clock/request')} every few minutes (docs/devices.md)`
  const example = 'no exchange of clocks yet'
  return [{ code: 'clock_unmeasured', severity: 'info', path: 'ts', example, advice }]
}

function behind(lagMs: number): ConformanceFinding {
  const severity = lagMs > ERROR_MS ? 'error' : 'warning'
  const days = (lagMs / DAY_MS).toFixed(1)
  const example = `${(lagMs / 1000).toFixed(1)} s (${days} days) behind, the same for minutes`
  return { code: 'clock_behind', severity, path: 'ts', example, advice: SYNCHRONISE }
}

function aheadMs({ timeNs, receivedAtNs }: LastValue): number {
  return Number(timeNs - receivedAtNs) / 1e6
}
