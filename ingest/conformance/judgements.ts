import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import { SEVERITIES } from '#lib/telemetry/conformance.ts'
import { certificate } from './certificate.ts'
import { clock } from './clock.ts'
import { delivery } from './delivery.ts'
import { flags } from './flags.ts'
import { format } from './format.ts'
import type { Evidence, Judgement } from './judgement.ts'
import { rejected } from './rejected.ts'
import { sequence } from './sequence.ts'
import { silence } from './silence.ts'
import { size } from './size.ts'
import { stateSilence } from './state-silence.ts'
import { distanceUnit } from './units/distance.ts'
import { energyUnit } from './units/energy.ts'
import { fraction } from './units/fraction.ts'
import { speedUnit } from './units/speed.ts'
import { temperatureUnit } from './units/temperature.ts'

/** Everything that is looked at. A new judgement is a file beside this and a line here. */
export const JUDGEMENTS: readonly Judgement[] = [
  silence,
  stateSilence,
  format,
  rejected,
  certificate,
  clock,
  sequence,
  delivery,
  size,
  flags,
  energyUnit,
  speedUnit,
  distanceUnit,
  temperatureUnit,
  fraction,
]

/** The findings about a device, the worst first. */
export function judge(evidence: Evidence): ConformanceFinding[] {
  return JUDGEMENTS.flatMap((one) => one.judge(evidence)).toSorted(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
  )
}
