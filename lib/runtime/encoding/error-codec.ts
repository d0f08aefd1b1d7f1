import { ERRORS, PlatformError, messageOf, type ErrorCode } from '../errors.ts'

/** An error as it is sent to another thread or process: without stack and cause. */
export interface EncodedError {
  /** Null for an error that has no code of ours. */
  readonly code: ErrorCode | null
  readonly message: string
  readonly path: string
}

export function encodeError(error: unknown): EncodedError {
  const { code, path } = error instanceof PlatformError ? error : { code: null, path: '' }
  return { code, message: messageOf(error), path }
}

/** The error of the other side, as if it had been thrown here. */
export function decodeError(value: unknown): Error {
  if (!isEncodedError(value)) return new Error('the other side failed without giving a reason')
  const { code, message, path } = value
  // A newer program may know codes that this one does not.
  if (code === null || !Object.hasOwn(ERRORS, code)) return new Error(message)
  return new PlatformError(code, message, { path })
}

function isEncodedError(value: unknown): value is EncodedError {
  return (
    typeof value === 'object' &&
    value !== null &&
    'message' in value &&
    typeof value.message === 'string' &&
    'code' in value &&
    (value.code === null || typeof value.code === 'string') &&
    'path' in value &&
    typeof value.path === 'string'
  )
}
