import { last, leastOfNodes, mean, sum, type Expected } from './expected-rows.ts'
import { COUNTERS } from './seed.ts'

/** The chosen values of the variables, as predicates on tags. */
export interface Selection {
  /** The tenant tag of derived series. */
  readonly isTenant: (tenant: string) => boolean
  /** Devices of the chosen tenants. */
  readonly isOfTenants: (device: string) => boolean
  /** Devices chosen one by one. */
  readonly isDevice: (device: string) => boolean
  readonly isRat: (rat: string) => boolean
  readonly stage: string
  readonly by: string
}

export type Tags = Readonly<Record<string, string>>

export const MINUTE_MS = 60_000

export const lastOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, last(name)]))

/** Devices under their own tenant: under `_all` there is a second copy. */
export function ofChosen(isDevice: Selection['isDevice']) {
  return ({ tenant, device = '' }: Tags) => tenant !== '_all' && isDevice(device)
}

export function counters(isDevice: Selection['isDevice']): Expected {
  return {
    from: 'delivery_minute',
    where: ofChosen(isDevice),
    group: ['tenant', 'device', 'node'],
    columns: lastOf(COUNTERS),
  }
}

export function grown(names: readonly string[], isDevice: Selection['isDevice']): Expected {
  return {
    from: 'delivery_minute',
    where: ofChosen(isDevice),
    group: ['device', 'node'],
    every: MINUTE_MS,
    growth: 'difference',
    columns: lastOf(names),
  }
}

export function perSecond(
  field: string,
  by: string,
  isIncluded: (tags: Tags) => boolean,
): Expected {
  return {
    from: 'delivery_minute',
    where: isIncluded,
    group: [by],
    every: MINUTE_MS,
    columns: { [`${field}/s`]: sum(field, 1 / 60) },
  }
}

interface LatencyRows extends Pick<Selection, 'isTenant' | 'stage' | 'by'> {
  readonly and?: (tags: Tags) => boolean
}

export function percentiles(rows: LatencyRows, columns: Expected['columns']): Expected {
  return { ...latencyOf(rows), every: 'each point', columns }
}

export function counted(
  column: string,
  figure: Expected['columns'][string],
  rows: LatencyRows,
): Expected {
  return { ...latencyOf(rows), every: MINUTE_MS, columns: { [column]: figure } }
}

function latencyOf({ by, stage, isTenant, and = () => true }: LatencyRows) {
  return {
    from: 'latency_minute',
    where: (tags: Tags) =>
      tags['by'] === by && tags['stage'] === stage && isTenant(tags['tenant'] ?? '') && and(tags),
    group: ['tenant', 'key'],
  }
}

export function silence(isDevice: Selection['isDevice']): Expected {
  return {
    from: 'device_silence',
    where: ({ device = '' }) => isDevice(device),
    group: ['tenant', 'device', 'kind'],
    columns: { silentSeconds: leastOfNodes('silentSeconds') },
  }
}

export function silentCount(
  isIncluded: (seconds: number) => boolean,
  isDevice: Selection['isDevice'],
): Expected {
  return {
    from: 'device_silence',
    where: ({ device = '' }) => isDevice(device),
    group: [],
    columns: {
      devices: (points) => {
        const devices = Map.groupBy(points, ({ tags }) => tags['device'])
        const found = [...devices.values()].filter((all) =>
          isIncluded(Number(leastOfNodes('silentSeconds')(all))),
        )
        return found.length === 0 ? null : found.length
      },
    },
  }
}

export function heatOf(boundary: string, by: string, isTenant: Selection['isTenant']) {
  return {
    from: 'heat_hourly',
    where: (tags: Tags) =>
      tags['boundary'] === boundary && tags['by'] === by && isTenant(tags['tenant'] ?? ''),
    group: ['tenant'],
  }
}

/** Rows whose energy is known: the number of other rows must not count. */
export function known(expected: Expected): Expected {
  return {
    ...expected,
    where: (tags, point) => point.fields['known'] === 1n && (expected.where?.(tags, point) ?? true),
  }
}

export function heatTotal(boundary: string, isTenant: Selection['isTenant']): Expected {
  return known({ ...heatOf(boundary, 'all', isTenant), columns: { heat: sum('energyKwh') } })
}

export function coverageTotal(boundary: string, isTenant: Selection['isTenant']): Expected {
  return { ...heatOf(boundary, 'all', isTenant), columns: { coverage: mean('coverage') } }
}

export function lastOfPipeline(field: string, column = field): Expected {
  return { from: 'pipeline', group: ['node'], columns: { [column]: last(field) } }
}
