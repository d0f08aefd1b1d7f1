import { SEVERITIES, type ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { Evidence, FindingRule } from './finding.ts'
import { certificate } from './findings/certificate.ts'
import { clock } from './findings/clock.ts'
import { delivery } from './findings/delivery.ts'
import { distanceUnit } from './findings/distance-unit.ts'
import { energyUnit } from './findings/energy-unit.ts'
import { flags } from './findings/flags.ts'
import { format } from './findings/format.ts'
import { fraction } from './findings/fraction.ts'
import { powerUnit } from './findings/power-unit.ts'
import { rejected } from './findings/rejected.ts'
import { sequence } from './findings/sequence.ts'
import { silence } from './findings/silence.ts'
import { size } from './findings/size.ts'
import { speedUnit } from './findings/speed-unit.ts'
import { stateSilence } from './findings/state-silence.ts'
import { temperatureUnit } from './findings/temperature-unit.ts'
import { unknownField } from './findings/unknown-field.ts'
import { wrongSetting } from './findings/wrong-setting.ts'

/** Every finding. A new one is a file in `findings/` and a line here. */
export const FINDINGS: readonly FindingRule[] = [
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
  powerUnit,
  speedUnit,
  distanceUnit,
  temperatureUnit,
  fraction,
  unknownField,
  wrongSetting,
]

/** The findings about a device, the worst first. */
export function findAll(evidence: Evidence): ConformanceFinding[] {
  return FINDINGS.flatMap((rule) => rule.find(evidence)).toSorted(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
  )
}
