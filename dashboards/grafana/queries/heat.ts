import type { Boundary, HeatSeriesKey } from '#lib/telemetry/heat.ts'
import type { Query } from './influx-query.ts'
import { OF_TENANT } from './variables.ts'

/*
 * `heat_hourly` has one row per hour, boundary and group. Energy may be added up where `known` is 1;
 * elsewhere it is missing, which is not zero. Boundaries are never added.
 */

export interface HeatRows {
  readonly boundary: Boundary
  readonly by: HeatSeriesKey | 'all'
}

/** Days and months are those of this variable. */
const IN_ZONE = "tz('${timezone:raw}')"

/** Energy of the whole span. */
export function energyOfSpan(rows: HeatRows): Query {
  return {
    influxql: `SELECT sum("energyKwh") AS "heat" FROM ${knownOf(rows)} GROUP BY "tenant"`,
    alias: '[[tag_tenant]] heat',
  }
}

export function coverageOfSpan(rows: HeatRows): Query {
  return {
    influxql: `SELECT mean("coverage") AS "coverage" FROM ${rowsOf(rows)} GROUP BY "tenant"`,
    alias: '[[tag_tenant]] coverage',
  }
}

export function energyPerDay(rows: HeatRows): Query {
  return {
    influxql: `SELECT sum("energyKwh") AS "energyKwh" FROM ${knownOf(rows)} ${PER_DAY}`,
    alias: '[[tag_tenant]] [[tag_key]]',
  }
}

export function coveragePerDay(rows: HeatRows): Query {
  return {
    influxql: `SELECT mean("coverage") AS "coverage" FROM ${rowsOf(rows)} ${PER_DAY}`,
    alias: '[[tag_tenant]] [[tag_key]]',
  }
}

/** How many intervals of the registers were measured, bridged over a gap, missing or excluded. */
export function intervalsPerDay(rows: HeatRows): Query {
  const columns = ['measured', 'bridged', 'missing', 'excluded']
    .map((name) => `sum("${name}") AS "${name}"`)
    .join(', ')
  return {
    influxql: `SELECT ${columns} FROM ${rowsOf(rows)} ${PER_DAY}`,
    alias: '[[tag_tenant]] $col',
  }
}

const PER_DAY = `GROUP BY time(1d), "tenant", "key" fill(none) ${IN_ZONE}`

function knownOf(rows: HeatRows): string {
  return `${rowsOf(rows)} AND "known" = 1`
}

function rowsOf({ boundary, by }: HeatRows): string {
  return (
    `"heat_hourly" WHERE $timeFilter AND ${OF_TENANT}` +
    ` AND "boundary" = '${boundary}' AND "by" = '${by}'`
  )
}
