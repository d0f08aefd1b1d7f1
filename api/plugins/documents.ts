import { createHash } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { Api } from '../api.ts'
import { PUBLIC } from './admission.ts'
import { PAGE_POLICY } from './headers.ts'

const DESCRIPTION = [
  'Telemetry of the Padborg 5G testbed and of data-centre waste heat.',
  'Times are ISO 8601 in UTC; missing is null, never zero; errors are RFC 9457 problem documents.',
  'Lists and series come as JSON, or as CSV with `Accept: text/csv` or `as=csv`.',
].join(' ')

/** The OpenAPI document, made of the schemas of the routes, and its page. Public. */
export async function addDocuments(app: FastifyInstance, { options }: Api): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Padborg telemetry', version: options.version, description: DESCRIPTION },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key.' },
          session: { type: 'apiKey', in: 'cookie', name: 'padborg_session' },
        },
      },
    },
    transform: jsonSchemaTransform,
  })
  addOpenApi(app)
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: { ...PAGE_POLICY },
    theme: { title: 'Padborg telemetry API' },
    uiConfig: { deepLinking: true, persistAuthorization: false },
  })
}

interface Document {
  readonly text: string
  /** Weak: compression changes the bytes, not the document. */
  readonly etag: string
}

/** Made once, at the first request: only then are all routes known. */
function addOpenApi(app: FastifyInstance): void {
  let made: Document | null = null
  const schema = { hide: true }
  app.get('/openapi.json', { config: { permission: PUBLIC }, schema }, async (request, reply) => {
    made ??= documentOf(JSON.stringify(app.swagger()))
    reply.header('etag', made.etag)
    if (isKnown(request.headers['if-none-match'], made.etag)) return reply.code(304).send()
    return reply.type('application/json; charset=utf-8').send(made.text)
  })
}

function documentOf(text: string): Document {
  return { text, etag: `W/"${createHash('sha256').update(text).digest('base64url')}"` }
}

/** RFC 9110, 13.1.2. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = ifNoneMatch?.split(',').map((one) => one.trim()) ?? []
  return known.includes('*') || known.includes(etag)
}
