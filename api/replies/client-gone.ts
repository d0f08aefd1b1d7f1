import type { ServerResponse } from 'node:http'

/** Status under which a request is counted whose client disconnected before the response. */
export const CLIENT_CLOSED = 499

/** Whether the client disconnected before its response was ready. */
export function isClientGone(response: ServerResponse): boolean {
  return response.destroyed && !response.writableEnded
}

/**
 * Fires when the client disconnects. It listens to the response: the request of a POST closes as soon as
 * its body was read, and Fastify's own signal with it.
 */
export function untilClientGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableEnded) controller.abort()
  })
  return controller.signal
}
