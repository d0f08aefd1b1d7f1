import type { FieldDefinition } from '#lib/telemetry/field.ts'
import { registerRules, type RegisterMeter, type RegisterRules } from '../heat/register-meter.ts'

/*
 * The rules of registers (docs/domain.md 3.5) hold for any counter: they compare numbers and times
 * alone. Where they say kWh, a counter has its own unit, and where they say kW its unit per hour.
 */

/** Far beyond any counter, in units per hour: only what the readings themselves show is found. */
const ANY_RATE = 1e12
/** A fall of less than half of it is rounding. */
const COUNTER_STEP = 0.001

const COUNTER_RULES: RegisterRules = {
  ...registerRules({ maxPowerKw: ANY_RATE, registerStep: COUNTER_STEP }),
  isPowerKnown: false,
}

/** Energy is bounded by the power of its meter; of other counters no bound is known. */
export function counterRules(definition: FieldDefinition, meter: RegisterMeter): RegisterRules {
  return definition.unit === 'kWh' ? registerRules(meter) : COUNTER_RULES
}
