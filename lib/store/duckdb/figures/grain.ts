import { KEYS } from '../../figure-keys.ts'
import type { FigureScan } from '../../scans.ts'

/**
 * Figures are kept twice: of each device, and of all devices of a tenant together. Dashboards mostly need
 * the second, and those tables stay small however many devices there are.
 */
export type Grain = 'device' | 'tenant'
export const GRAINS = ['device', 'tenant'] as const

export const FIGURES = 'figures'

/** The columns of what a figure is of: for all devices of a tenant, the tenant in place of the device. */
export function keysOf(grain: Grain): readonly string[] {
  return [grain, ...KEYS.slice(1)]
}

export type Step = 'minute' | 'hour'
export const STEPS = ['minute', 'hour'] as const

export function tableOf(step: Step, grain: Grain, what: 'counts' | 'latency'): string {
  const middle = grain === 'tenant' ? 'tenant_' : ''
  return `${FIGURES}.${step}_${middle}${what}`
}

/** The tables that are enough for a scan. */
export function grainOf({ scope, by }: Pick<FigureScan, 'scope' | 'by'>): Grain {
  return scope.devices || by.includes('device') ? 'device' : 'tenant'
}

/** The tenant of a row, as SQL over the columns of a grain. */
export const TENANT_OF: Readonly<Record<Grain, string>> = {
  device: `split_part(device, '.', 1)`,
  tenant: 'tenant',
}
