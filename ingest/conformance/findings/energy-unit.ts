import { checkEnergyPerVolume } from '#lib/kpi/heat/heat-plausibility.ts'
import { ENERGY_UNITS_J } from '#lib/kpi/heat/energy-unit.ts'
import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { LastValue } from '#lib/telemetry/reading.ts'
import type { Evidence, FindingRule } from '../finding.ts'
import { numberText } from '../text.ts'
import { candidateFor, ratioText, type Candidate } from '../units/candidate.ts'
import { balanceByPower, balanceByWater } from '../units/heat-balance.ts'
import { flowSensorOf } from '../units/flow-sensor.ts'
import { numberIn } from '../units/number-in.ts'

/** Units of registers in kWh; no meter of one building has a register in GWh. */
const UNITS: readonly Candidate[] = Object.entries(ENERGY_UNITS_J).map(([unit, joules]) => ({
  unit,
  factor: Number(joules) / Number(ENERGY_UNITS_J.kWh),
}))
/** 1 Gcal is 1.163 MWh: they differ by more than a measurement to 7 %. */
const TOLERANCE = 0.07
/** Temperatures in Fahrenheit make the water look 1.8 times as warm. */
const FAHRENHEIT: Candidate = { unit: 'Fahrenheit', factor: 1.8 }
/** Heat per volume of a working plant: water that cools by some 10 to 65 K, kWh/m3. */
const USUAL_KWH_M3 = { min: 11, max: 75 }

/** Compares the energy register of a meter with its water, or with its power. */
export const energyUnit: FindingRule = {
  codes: ['energy_unit', 'heat_temperature_unit'],
  find: findingsOf,
}

function findingsOf({ device, readings, last }: Evidence): ConformanceFinding[] {
  const water = device.kind === 'heat_meter' ? balanceByWater(readings, flowSensorOf(device)) : null
  if (water) {
    const factor = water.expectedKwh / water.counted
    const found = candidateFor(factor, [...UNITS, FAHRENHEIT], TOLERANCE)
    if (found === FAHRENHEIT) return [fahrenheit(factor)]
    const by = 'by its own water and temperatures'
    return wrongUnit(found, `${ratioText(water.counted, water.expectedKwh)} ${by}`)
  }
  const early = last.flatMap(byVolume)
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
    'the format has no unit, set "energyUnit" among the settings of the device'
  return { code: 'energy_unit', severity: 'error', path: 'data.energyKwh', example, advice }
}

function fahrenheit(factor: number): ConformanceFinding {
  const example = `the water gives ${numberText(factor)} times the heat that the register counts`
  const advice = 'tFlowC and tReturnC can only be in Fahrenheit: subtract 32, divide by 1.8'
  const [severity, path] = ['error', 'data.tFlowC'] as const
  return { code: 'heat_temperature_unit', severity, path, example, advice }
}

/** From the first message on: both registers have run since the meter was installed. */
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
