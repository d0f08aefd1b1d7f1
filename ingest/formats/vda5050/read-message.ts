import { FLAGS } from '#lib/telemetry/flags.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import { createAcceptor } from '#lib/telemetry/values.ts'
import type { ParsedElement } from '../format.ts'
import { isRecord, type Problem, type Values } from '../payload/problem.ts'
import { readStatedTime, type StatedTime } from '../payload/stated-time.ts'
import { describe, show } from '../payload/reason.ts'
import { RULES, type Major, type Topic } from './fields.ts'
import { readParts, valueOf } from './read-parts.ts'

export interface ReadOptions {
  readonly topic: Topic
  readonly major: Major
  /** Read whatever can be read, even against the declared version (`settings.lenient`). */
  readonly lenient: boolean
  /** IANA zone of a robot that leaves the zone out (`settings.timezone`); null: none is known. */
  readonly zone: string | null
}

/** The content of a message, apart from identity and hash. */
export type Message = Pick<ParsedElement, 'seq' | 'timeNs' | 'flags' | 'fields'>

/** Reads a message by the rules of its topic and version. */
export function readMessage(message: Values, options: ReadOptions): Message | Problem {
  const { topic, major, lenient, zone } = options
  const { fields, problem } = readParts(message, RULES[topic][major], lenient)
  if (problem) return problem
  const seq = readHeaderId(message['headerId'], lenient)
  if (typeof seq === 'object' && seq !== null) return seq
  const time = readTimestamp(valueOf(message, TIMESTAMP, lenient), zone, lenient)
  if ('expected' in time) return { path: ['timestamp'], ...time }
  const lists = topic === 'state' ? addLists(message, fields, lenient) : null
  if (lists) return lists
  unifyValues(fields)
  const accepted = accept(fields)
  if (!accepted) throw new Error('the rules of VDA 5050 let a value pass that kind robot refuses')
  return { seq, timeNs: time.timeNs, flags: time.flags | accepted.flags, fields: accepted.fields }
}

const accept = createAcceptor(KINDS.robot.fields)

const TIMESTAMP = { name: 'timestamp', seen: ['timeStamp'] }

function readHeaderId(value: unknown, lenient: boolean): number | null | Problem {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  if (lenient) return null
  return { path: ['headerId'], expected: 'whole number from 0', got: show(value) }
}

function readTimestamp(value: unknown, zone: string | null, lenient: boolean) {
  if (value === undefined || value === null) return NO_TIME
  const time = readStatedTime(value, zone)
  if (!lenient || !('expected' in time)) return time
  const timeNs = parseDeviceTime(value)
  return typeof timeNs === 'bigint' ? { timeNs, flags: 0 } : UNKNOWN_TIME
}

const NO_TIME: StatedTime = { timeNs: null, flags: 0 }
const UNKNOWN_TIME: StatedTime = { timeNs: null, flags: FLAGS.clock_invalid }

/** One spelling for values that 2.x and 3.0 write differently, and one range for angles. */
function unifyValues(fields: Record<string, FieldValue>): void {
  const mode = fields['operatingMode']
  if (mode === 'TEACHIN' || mode === 'TEACHING') fields['operatingMode'] = 'TEACH_IN'
  const theta = fields['thetaRad']
  if (typeof theta === 'number' && Math.abs(theta) > Math.PI) fields['thetaRad'] = halfTurn(theta)
}

/** The same direction within [-pi, pi]. */
function halfTurn(theta: number): number {
  const turn = 2 * Math.PI
  const rest = theta % turn
  if (rest > Math.PI) return rest - turn
  return rest < -Math.PI ? rest + turn : rest
}

const ERROR_LEVELS = ['WARNING', 'URGENT', 'CRITICAL', 'FATAL']

/** Counts errors and loads. A list that is missing is unknown, an empty one is zero. */
function addLists(
  message: Values,
  fields: Record<string, FieldValue>,
  lenient: boolean,
): Problem | null {
  const { errors, loads } = message
  if (Array.isArray(errors)) {
    const problem = lenient ? null : errorsProblem(errors)
    if (problem) return problem
    fields['errors'] = errors.length
    fields['fatalErrors'] = errors.filter(isFatal).length
  }
  const carried = loads ?? (lenient ? message['load'] : null)
  return Array.isArray(carried) ? addLoads(carried, fields, lenient) : null
}

function isFatal(error: unknown): boolean {
  return isRecord(error) && error['errorLevel'] === 'FATAL'
}

function errorsProblem(errors: readonly unknown[]): Problem | null {
  for (const [at, error] of errors.entries()) {
    if (!isRecord(error)) return { path: ['errors', at], expected: 'object', got: describe(error) }
    const { errorType, errorLevel } = error
    if (typeof errorType !== 'string') {
      return { path: ['errors', at, 'errorType'], expected: 'string', got: describe(errorType) }
    }
    if (typeof errorLevel === 'string' && ERROR_LEVELS.includes(errorLevel)) continue
    const expected = ERROR_LEVELS.join(' or ')
    return { path: ['errors', at, 'errorLevel'], expected, got: show(errorLevel) }
  }
  return null
}

/** The total weight is only known when each load has one. */
function addLoads(
  loads: readonly unknown[],
  fields: Record<string, FieldValue>,
  lenient: boolean,
): Problem | null {
  let kg: number | null = 0
  for (const [at, load] of loads.entries()) {
    const weight = isRecord(load) ? (load['weight'] ?? null) : undefined
    if (typeof weight === 'number' && Number.isFinite(weight)) {
      if (kg !== null) kg += weight
    } else if (weight === null || lenient) kg = null
    else if (weight === undefined) {
      return { path: ['loads', at], expected: 'object', got: describe(load) }
    } else {
      return { path: ['loads', at, 'weight'], expected: 'number', got: describe(weight) }
    }
  }
  fields['loads'] = loads.length
  if (kg !== null && Number.isFinite(kg)) fields['loadKg'] = kg
  return null
}
