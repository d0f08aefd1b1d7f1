import type { ServerResponse } from 'node:http'

/** Status under which answers are counted whose client went away before them. */
export const CLIENT_CLOSED = 499

/** Whether the client went away before its answer was ready. */
export function isClientGone(response: ServerResponse): boolean {
  return response.destroyed && !response.writableEnded
}

/**
 * Fires when the client goes away. It looks at the response: the request of a POST closes as soon as
 * its body was read, and Fastify's own signal with it.
 */
export function untilClientGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableEnded) controller.abort()
  })
  return controller.signal
}
