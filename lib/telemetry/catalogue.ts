import type { KindDefinition } from './field.ts'
import { truck } from './kinds/truck.ts'
import { robot } from './kinds/robot.ts'
import { radio } from './kinds/radio.ts'
import { heatMeter } from './kinds/heat-meter.ts'
import { energyMeter } from './kinds/energy-meter.ts'
import { probe } from './kinds/probe.ts'
import { weather } from './kinds/weather.ts'

/** Every telemetry kind. A new one is a file in `kinds/` and a line here. */
export const KINDS = {
  truck,
  robot,
  radio,
  heat_meter: heatMeter,
  energy_meter: energyMeter,
  probe,
  weather,
} as const satisfies Record<string, KindDefinition>

export type Kind = keyof typeof KINDS

export const KIND_NAMES = Object.keys(KINDS) as [Kind, ...Kind[]]

export function isKind(name: string): name is Kind {
  return Object.hasOwn(KINDS, name)
}
