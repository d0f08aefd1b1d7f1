import { PlatformError } from '#lib/runtime/errors.ts'

/** Whether the registry is still open. */
export interface OpenGuard {
  /** Throws CLOSED after `close`. */
  readonly requireOpen: () => void
  /** True the first time. */
  readonly close: () => boolean
}

export function createOpenGuard(): OpenGuard {
  let open = true
  return {
    requireOpen() {
      if (open) return
      throw new PlatformError('CLOSED', 'the registry was used after it was closed')
    },
    close() {
      const was = open
      open = false
      return was
    },
  }
}
