import { LIMITS } from '../limits.ts'
import { OF_DEVICE, OF_TENANT_DEVICES } from './variables.ts'

/*
 * Each of several intakes writes how long it has received nothing itself: the shortest counts. Two
 * minutes are read together, since the intakes do not write at the same moment.
 */

export const SILENCE_COLUMNS = ['tenant', 'device', 'kind', 'silentSeconds']

/** Seconds since the last message of each chosen device. */
export function silenceOfChosen(): string {
  return silenceOf(`$timeFilter AND ${OF_DEVICE}`)
}

/** The same of each device of the chosen tenants. */
export function silenceOfTenants(): string {
  return silenceOf(`$timeFilter AND ${OF_TENANT_DEVICES}`)
}

/** The same of every device. */
export function silenceOfAll(): string {
  return silenceOf('$timeFilter')
}

/** Number of devices of the chosen tenants that sent something lately. */
export function devicesHeard(): string {
  return countWhere('<')
}

export function devicesSilent(): string {
  return countWhere('>=')
}

function silenceOf(condition: string): string {
  return (
    'SELECT last("silentSeconds") AS "silentSeconds" FROM (' +
    `SELECT min("silentSeconds") AS "silentSeconds" FROM "device_silence" WHERE ${condition}` +
    ' GROUP BY time(2m), "tenant", "device", "kind" fill(none))' +
    ' WHERE $timeFilter GROUP BY "tenant", "device", "kind"'
  )
}

function countWhere(comparison: '<' | '>='): string {
  return (
    `SELECT count("silentSeconds") AS "devices" FROM (${silenceOfTenants()})` +
    ` WHERE "silentSeconds" ${comparison} ${LIMITS.silentSeconds}`
  )
}
