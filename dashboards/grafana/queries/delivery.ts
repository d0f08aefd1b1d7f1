import { OF_DEVICE, OF_TENANT } from './variables.ts'

/*
 * `delivery_minute` has each device twice, under its tenant and under `_all`: a query names tenants,
 * or it excludes `_all`. Several intakes have counters of their own (tag `node`); those of the device
 * are their sum. The sum is computed in the browser: a subquery would scan all rows once per column.
 */

export type Traffic = 'messages' | 'readings' | 'bytes'

/** Per second and tenant, over all its devices. */
export function perSecondByTenant(field: Traffic): string {
  return `${perSecond(field)} AND ${OF_TENANT} GROUP BY time($__interval), "tenant" fill(none)`
}

/** Per second and chosen device. */
export function perSecondByDevice(field: Traffic): string {
  return `${perSecond(field)} AND ${OF_CHOSEN} GROUP BY time($__interval), "device" fill(none)`
}

function perSecond(field: Traffic): string {
  return (
    `SELECT sum("${field}") * 1000 / $__interval_ms AS "${field}/s"` +
    ' FROM "delivery_minute" WHERE $timeFilter'
  )
}

const OF_CHOSEN = `"tenant" != '_all' AND ${OF_DEVICE}`

/** As `/delivery` names and orders them. */
export const COUNTERS = [
  'accepted',
  'stored',
  'rejected',
  'duplicate',
  'pending',
  'late',
  'partial',
  'lost',
  'commands',
] as const

export type Counter = (typeof COUNTERS)[number]

/** The counters of each chosen device, as they stood last. */
export function lastCounters(): string {
  return (
    `SELECT ${eachOf(COUNTERS, lastOf)} FROM "delivery_minute" WHERE $timeFilter AND ${OF_CHOSEN}` +
    ' GROUP BY "tenant", "device", "node"'
  )
}

/** How much counters grew from one interval to the next, per chosen device and intake. */
export function growth(names: readonly Counter[]): string {
  return (
    `SELECT ${eachOf(names, growthOf)} FROM "delivery_minute" WHERE $timeFilter AND ${OF_CHOSEN}` +
    ' GROUP BY time($__interval), "device", "node" fill(none)'
  )
}

/** How much a counter grew in the whole span, over all devices of the chosen tenants. */
export function growthOfSpan(name: Counter): string {
  return (
    `SELECT ${sumOf(name)} FROM (SELECT last("${name}") - first("${name}") AS "${name}"` +
    ` FROM "delivery_minute" WHERE $timeFilter AND ${OF_TENANT}` +
    ' GROUP BY "tenant", "device", "node")'
  )
}

/** A counter over time, summed over the devices of each chosen tenant. */
export function counterByTenant(name: Counter): string {
  return (
    `SELECT ${sumOf(name)} FROM (SELECT ${lastOf(name)}` +
    ` FROM "delivery_minute" WHERE $timeFilter AND ${OF_TENANT}` +
    ' GROUP BY time($__interval), "tenant", "device", "node" fill(none))' +
    ' WHERE $timeFilter GROUP BY time($__interval), "tenant" fill(none)'
  )
}

const sumOf = (name: Counter) => `sum("${name}") AS "${name}"`
const lastOf = (name: Counter) => `last("${name}") AS "${name}"`
const growthOf = (name: Counter) => `non_negative_difference(last("${name}")) AS "${name}"`

function eachOf(names: readonly Counter[], write: (name: Counter) => string): string {
  return names.map(write).join(', ')
}
