import type { Device } from '#lib/registry/registry.ts'

/** The pipe of the flow sensor: the return unless the settings say otherwise. */
export function flowSensorOf({ settings }: Device): 'flow' | 'return' {
  return settings['flowSensor'] === 'flow' ? 'flow' : 'return'
}
