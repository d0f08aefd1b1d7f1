import { checkEnergyPerVolume, checkPower } from '#lib/kpi/heat/heat-plausibility.ts'
import { ENERGY_UNITS_J } from '#lib/kpi/heat/energy-unit.ts'
import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { LastValue } from '#lib/telemetry/questions.ts'
import type { Evidence, Judgement } from '../../judgement.ts'
import { numberText } from '../../wording.ts'
import { candidateFor, ratioText, type Candidate } from './candidate.ts'
import { balanceByPower, balanceByWater } from './heat-balance.ts'
import { numberIn } from './numbers.ts'

/** Units of registers in kWh; GWh registers do not exist on meters of one building. */
const UNITS: readonly Candidate[] = Object.entries(ENERGY_UNITS_J).map(([unit, joules]) => ({
  unit,
  factor: Number(joules) / Number(ENERGY_UNITS_J.kWh),
}))
/** 1 Gcal is 1.163 MWh: measured to 10 % they cannot be told apart, to 7 % they can. */
const TOLERANCE = 0.07
/** Temperatures in Fahrenheit make the water look 1.8 times as warm. */
const FAHRENHEIT: Candidate = { unit: 'Fahrenheit', factor: 1.8 }
/** Heat per volume of a working plant: water that cools by some 10 to 65 K, kWh/m3. */
const USUAL_KWH_M3 = { min: 11, max: 75 }

/** Registers that can only be GJ or MWh, powers that can only be W. */
export const energyUnit: Judgement = {
  codes: ['energy_unit', 'power_unit', 'heat_temperature_unit'],
  judge(evidence) {
    return [...registerFindings(evidence), ...evidence.last.flatMap(powerFindings(evidence))]
  },
}

function registerFindings(evidence: Evidence): ConformanceFinding[] {
  const { device, readings } = evidence
  const water =
    device.kind === 'heat_meter' ? balanceByWater(readings, flowSensorOf(evidence)) : null
  if (water) {
    const factor = water.expectedKwh / water.counted
    const found = candidateFor(factor, [...UNITS, FAHRENHEIT], TOLERANCE)
    if (found === FAHRENHEIT) return [fahrenheit(factor)]
    const by = 'by its own water and temperatures'
    return wrongUnit(found, `${ratioText(water.counted, water.expectedKwh)} ${by}`)
  }
  const early = evidence.last.flatMap(byVolume)
  if (early.length > 0) return early
  const power = balanceByPower(readings)
  if (!power) return []
  const found = candidateFor(power.expectedKwh / power.counted, UNITS, TOLERANCE)
  const by = 'by its own power (unless powerKw is not in kW)'
  return wrongUnit(found, `${ratioText(power.counted, power.expectedKwh)} ${by}`)
}

function wrongUnit(found: Candidate | null, example: string): ConformanceFinding[] {
  if (!found || found.factor === 1) return []
  return [energyFinding([found.unit], example)]
}

function energyFinding(units: readonly string[], example: string): ConformanceFinding {
  const advice =
    `energyKwh can only be in ${units.join(' or ')}: convert it to kWh before sending, or where ` +
    'the format tells no unit set "energyUnit" among the settings of the device'
  return { code: 'energy_unit', severity: 'error', path: 'data.energyKwh', example, advice }
}

function fahrenheit(factor: number): ConformanceFinding {
  const example = `the water gives ${numberText(factor)} times the heat that the register counts`
  const advice = 'tFlowC and tReturnC can only be in Fahrenheit: subtract 32, divide by 1.8'
  const [severity, path] = ['error', 'data.tFlowC'] as const
  return { code: 'heat_temperature_unit', severity, path, example, advice }
}

/** From the very first message: both registers have run since the meter was installed. */
function byVolume({ kind, fields }: LastValue): ConformanceFinding[] {
  const energy = numberIn(fields, 'energyKwh')
  const volume = numberIn(fields, 'volumeM3')
  if (kind !== 'heat_meter' || energy === null || volume === null || energy <= 0) return []
  const check = checkEnergyPerVolume(energy, volume)
  if (check?.verdict !== 'implausible') return []
  const { min, max } = USUAL_KWH_M3
  const fits = UNITS.filter(({ factor }) => {
    const kwhPerM3 = check.kwhPerM3 * factor
    return factor !== 1 && kwhPerM3 >= min && kwhPerM3 <= max
  })
  if (fits.length === 0) return []
  const example = `${numberText(check.kwhPerM3)} per m3 of water since installation, where ${min} to ${max} is usual`
  return [
    energyFinding(
      fits.map(({ unit }) => unit),
      example,
    ),
  ]
}

/** A display step so small that only the relative error counts. */
const STEP_KW = 0.1
const POWER_UNITS: readonly Candidate[] = [
  { unit: 'powerKw can only be in W', factor: 0.001 },
  { unit: 'powerKw can only be in MW, or volumeFlowM3h in l/h', factor: 1000 },
]

function powerFindings(evidence: Evidence) {
  const flowSensor = flowSensorOf(evidence)
  return ({ kind, fields }: LastValue): ConformanceFinding[] => {
    const powerKw = numberIn(fields, 'powerKw')
    const volumeFlowM3h = numberIn(fields, 'volumeFlowM3h')
    const tFlowC = numberIn(fields, 'tFlowC')
    const tReturnC = numberIn(fields, 'tReturnC')
    if (kind !== 'heat_meter' || !powerKw || volumeFlowM3h === null) return []
    if (tFlowC === null || tReturnC === null) return []
    const given = { powerKw, volumeFlowM3h, tFlowC, tReturnC, flowSensor }
    const check = checkPower({ ...given, displayStepKw: STEP_KW })
    if (check?.verdict !== 'implausible') return []
    const found = candidateFor(check.expectedKw / powerKw, POWER_UNITS)
    if (!found) return []
    const example = `${ratioText(powerKw, check.expectedKw)} from flow and temperatures`
    const advice = `${found.unit}: convert before sending`
    return [{ code: 'power_unit', severity: 'error', path: 'data.powerKw', example, advice }]
  }
}

function flowSensorOf({ device }: Evidence): 'flow' | 'return' {
  return device.settings['flowSensor'] === 'flow' ? 'flow' : 'return'
}
