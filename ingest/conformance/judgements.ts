import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import { SEVERITIES } from '#lib/telemetry/conformance.ts'
import { certificate } from './findings/certificate.ts'
import { clock } from './findings/clock.ts'
import { delivery } from './findings/delivery.ts'
import { flags } from './findings/flags.ts'
import { format } from './findings/format.ts'
import type { Evidence, Judgement } from './judgement.ts'
import { rejected } from './findings/rejected.ts'
import { sequence } from './findings/sequence.ts'
import { silence } from './findings/silence.ts'
import { size } from './findings/size.ts'
import { stateSilence } from './findings/state-silence.ts'
import { distanceUnit } from './findings/units/distance.ts'
import { energyUnit } from './findings/units/energy.ts'
import { fraction } from './findings/units/fraction.ts'
import { speedUnit } from './findings/units/speed.ts'
import { temperatureUnit } from './findings/units/temperature.ts'

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
