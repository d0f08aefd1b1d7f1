import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

type Policy = Readonly<Record<string, string[]>>

/** For results that are no pages: nothing in them may load or run. */
const CLOSED_POLICY: Policy = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** Scripts, styles and requests of this origin alone; nothing inline, nothing from elsewhere. */
export const PAGE_POLICY: Policy = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** Helmet's options of a policy: its own defaults allow inline styles. */
export function policyOf(directives: Policy) {
  return { contentSecurityPolicy: { useDefaults: false, directives: { ...directives } } }
}

/** Security headers of every response; the routes of pages name a policy of their own. */
export async function addHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    ...policyOf(CLOSED_POLICY),
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    // This port speaks plain HTTP: the proxy that terminates TLS sets this header if it is wanted.
    strictTransportSecurity: false,
    // For browsers that are no longer in use, or of no effect under these policies.
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  })
  app.addHook('onSend', async (request, reply) => {
    // Results hold what their caller alone may see: no cache in between keeps them.
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
  })
}
