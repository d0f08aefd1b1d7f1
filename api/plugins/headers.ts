import type { FastifyInstance } from 'fastify'

/** For answers that are no pages: nothing in them may load or run. */
const CLOSED_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Scripts, styles and requests of this origin alone; nothing inline, nothing from elsewhere. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'"

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** Pages set a policy of their own before. */
export function addHeaders(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    reply.headers(HEADERS)
    if (!reply.hasHeader('content-security-policy')) {
      reply.header('content-security-policy', CLOSED_POLICY)
    }
    // Answers hold what their caller alone may see: no cache in between keeps them.
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
  })
}
