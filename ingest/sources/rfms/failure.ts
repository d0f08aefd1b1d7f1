/** Why a request has no result, for people, and whether another one may have. */
export interface Failure {
  readonly text: string
  /** Whether an attempt soon may succeed; else nothing changes until somebody does something. */
  readonly retryable: boolean
  /** The pause that the server asks for; null where it asks for none. */
  readonly retryMs: number | null
}

export function retryable(text: string, retryMs: number | null = null): Failure {
  return { text, retryable: true, retryMs }
}

export function isFailure(result: object | string): result is Failure {
  return typeof result === 'object' && 'retryable' in result
}
