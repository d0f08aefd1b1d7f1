import { checkPower } from '#lib/kpi/heat/heat-plausibility.ts'
import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { LastValue } from '#lib/telemetry/reading.ts'
import type { FindingRule } from '../finding.ts'
import { candidateFor, ratioText, type Candidate } from '../units/candidate.ts'
import { flowSensorOf } from '../units/flow-sensor.ts'
import { numberIn } from '../units/number-in.ts'

/** A display step so small that only the relative error counts. */
const STEP_KW = 0.1
const UNITS: readonly Candidate[] = [
  { unit: 'powerKw can only be in W', factor: 0.001 },
  { unit: 'powerKw can only be in MW, or volumeFlowM3h in l/h', factor: 1000 },
]

/** Compares the power of a heat meter with its flow and temperatures. */
export const powerUnit: FindingRule = {
  codes: ['power_unit'],
  find: ({ device, last }) => last.flatMap((value) => findingsOf(value, flowSensorOf(device))),
}

function findingsOf(
  { kind, fields }: LastValue,
  flowSensor: 'flow' | 'return',
): ConformanceFinding[] {
  const powerKw = numberIn(fields, 'powerKw')
  const volumeFlowM3h = numberIn(fields, 'volumeFlowM3h')
  const tFlowC = numberIn(fields, 'tFlowC')
  const tReturnC = numberIn(fields, 'tReturnC')
  if (kind !== 'heat_meter' || !powerKw || volumeFlowM3h === null) return []
  if (tFlowC === null || tReturnC === null) return []
  const given = { powerKw, volumeFlowM3h, tFlowC, tReturnC, flowSensor }
  const check = checkPower({ ...given, displayStepKw: STEP_KW })
  if (check?.verdict !== 'implausible') return []
  const found = candidateFor(check.expectedKw / powerKw, UNITS)
  if (!found) return []
  const example = `${ratioText(powerKw, check.expectedKw)} from flow and temperatures`
  const advice = `${found.unit}: convert before sending`
  return [{ code: 'power_unit', severity: 'error', path: 'data.powerKw', example, advice }]
}
