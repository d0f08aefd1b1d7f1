import { z } from 'zod'
import { Problem, type Fault } from './problem.ts'

/** A request that its schema refuses; Fastify wants an error from its validators. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest'
  readonly problem: Problem

  constructor(faults: readonly Fault[]) {
    const [first = { path: '', detail: 'expected a request as documented at /docs' }] = faults
    super(first.detail)
    const errors = faults.length > 1 ? { errors: faults } : {}
    this.problem = new Problem(422, first.detail, { path: first.path, ...errors })
  }
}

const MAX_FAULTS = 20

/** Checks query, params or body; every fault at once. */
export function validatorOf(schema: unknown) {
  return (data: unknown): { value: unknown } | { error: Error } => {
    if (!(schema instanceof z.ZodType)) return { value: data }
    const result = schema.safeParse(data, { reportInput: true })
    if (result.success) return { value: result.data }
    const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
    const faults = result.error.issues.flatMap((issue) => faultsOf(issue, known))
    return { error: new RefusedRequest(faults.slice(0, MAX_FAULTS)) }
  }
}

function faultsOf(issue: z.core.$ZodIssue, known: readonly string[]): Fault[] {
  const path = pathOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const instead =
      known.length > 0 && path === '' ? `known are ${known.join(', ')}` : 'leave it out'
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      detail: `${key.slice(0, 80)}: expected no such field or parameter; ${instead}`,
    }))
  }
  const got = isSecret(path) ? typeof issue.input : show(issue.input)
  return [{ path, detail: `${path || 'body'}: ${expectation(issue)}, got ${got}; correct it` }]
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected}`
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}`
    case 'too_big':
      return `expected at most ${issue.maximum}${sizeUnit(issue.origin)}`
    case 'too_small':
      return `expected at least ${issue.minimum}${sizeUnit(issue.origin)}`
    case 'invalid_union':
      return `expected ${issue.errors
        .flat()
        .map((inner) => expectation(inner).replace('expected ', ''))
        .join(' or ')}`
    case 'custom':
      return issue.message
    default:
      return `expected a value in the documented form (${issue.message})`
  }
}

function sizeUnit(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}

/** `topics[0].name`, as registry and rejections write paths. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

/** Values that must not appear in a response or a log. */
function isSecret(path: string): boolean {
  return path === 'key' || path.startsWith('secrets')
}

const SHOWN = 80

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  // Of a whole object only what it is: it may hold a secret further inside.
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return 'an object'
  const text = JSON.stringify(value)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}
