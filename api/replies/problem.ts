import { STATUS_CODES } from 'node:http'
import { isPlatformError, type ErrorCode } from '#lib/runtime/errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** One faulty place of a request, when there are several. */
export interface Fault {
  readonly path: string
  readonly detail: string
}

interface ProblemExtras {
  readonly path?: string
  readonly code?: ErrorCode
  readonly errors?: readonly Fault[]
  readonly headers?: Readonly<Record<string, string>>
}

/** A response that says what was expected, what came and what to do (RFC 9457). A value, not thrown. */
export class Problem {
  readonly status: number
  readonly detail: string
  readonly extras: ProblemExtras

  constructor(status: number, detail: string, extras: ProblemExtras = {}) {
    this.status = status
    this.detail = detail
    this.extras = extras
  }

  /** The members of the document; without a type of its own the title is that of the status. */
  document(): Readonly<Record<string, unknown>> {
    const { path, code, errors } = this.extras
    return {
      type: 'about:blank',
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail: this.detail,
      ...(path === undefined || path === '' ? {} : { path }),
      ...(code === undefined ? {} : { code }),
      ...(errors === undefined ? {} : { errors }),
    }
  }
}

/** A request whose field or parameter cannot be used. */
export function unusable(path: string, detail: string): Problem {
  return new Problem(422, `${path}: ${detail}`, { path })
}

/** Longest name that is repeated in a problem. */
const SHOWN = 200

/** The same text for what does not exist and for what belongs to another tenant. */
export function notFound(what: string, name: string): Problem {
  const got = name.slice(0, SHOWN)
  return new Problem(404, `expected a ${what} you can see, got "${got}"; list them to find its id`)
}

interface Rendering {
  readonly status: number
  /** Null: the message of the error is meant for the caller. */
  readonly detail: string | null
  readonly retryAfterS?: number
}

const UNAVAILABLE = 'the platform cannot answer at the moment; try again in a few seconds'

const INTAKE_AWAY =
  'an intake does not answer, and figures without it would be incomplete; /health/ready says which'

/** Errors of the platform that have a status of their own; all others are 500. */
const RENDERINGS: Partial<Record<ErrorCode, Rendering>> = {
  REGISTRY_CONFLICT: { status: 409, detail: null },
  REGISTRY_INVALID: { status: 422, detail: null },
  REGISTRY_MISSING: { status: 404, detail: null },
  DATA_DIR_UNUSABLE: {
    status: 507,
    detail:
      'the platform could not write this to its disk, and nothing was changed; its operator ' +
      'makes room on the disk, or checks the permissions of the data directory; then try again',
    retryAfterS: 30,
  },
  EXPORT_TOO_LARGE: { status: 422, detail: null },
  BACKUP_BUSY: { status: 409, detail: null, retryAfterS: 30 },
  QUERY_BUSY: {
    status: 503,
    detail: 'more queries wait than the limit allows; try again in a second',
    retryAfterS: 1,
  },
  QUERY_TIMEOUT: {
    status: 504,
    detail:
      'the query took longer than the limit and was cancelled; choose a shorter span, ' +
      'fewer devices or a longer every',
  },
  // Their messages name files and hosts of the platform: those go to the log only.
  STORE_UNAVAILABLE: { status: 503, detail: UNAVAILABLE, retryAfterS: 5 },
  JOURNAL_UNAVAILABLE: { status: 503, detail: UNAVAILABLE, retryAfterS: 5 },
  BACKUP_FAILED: { status: 503, detail: null, retryAfterS: 5 },
  REPLAY_FAILED: { status: 422, detail: null },
  REPLAY_BUSY: { status: 503, detail: null, retryAfterS: 10 },
  INGEST_UNREACHABLE: { status: 503, detail: INTAKE_AWAY, retryAfterS: 5 },
  INGEST_REFUSED: { status: 503, detail: INTAKE_AWAY, retryAfterS: 30 },
  CLOSED: { status: 503, detail: UNAVAILABLE, retryAfterS: 5 },
}

/** The problem for an error with a code; null where the caller may not learn more. */
export function problemOf(error: unknown): Problem | null {
  if (!isPlatformError(error)) return null
  const rendering = RENDERINGS[error.code]
  if (!rendering) return null
  const { status, detail, retryAfterS } = rendering
  return new Problem(status, detail ?? error.message, {
    code: error.code,
    path: error.path,
    ...(retryAfterS === undefined ? {} : { headers: { 'retry-after': String(retryAfterS) } }),
  })
}
