import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'
import { PUBLIC } from './gate.ts'
import { PAGE_POLICY } from './headers.ts'

const DIST = join(import.meta.dirname, '../../dashboards/portal/dist')
const PAGE = 'index.html'
/** Only these are served; whatever else lies in the folder is not part of the portal. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

interface PortalFile {
  readonly path: string
  readonly type: string
  readonly etag: string
  readonly plain: Buffer
  readonly gzip: Buffer
}

/**
 * The built portal, read once at the start: its page at `/`, and each of its files at an address of
 * its own, so that no address can lead out of the folder. The pages of the portal differ only
 * behind `#`, which is never sent. Without a build, `/` says how to make one.
 */
export function addPortal(app: FastifyInstance, _api: Api, folder = DIST): void {
  const files = readFiles(folder)
  const page = files.find(({ path }) => path === PAGE)
  if (!page) {
    addRoute(app, '/', (_request, reply) => reply.type('text/html; charset=utf-8').send(NOT_BUILT))
    return
  }
  addRoute(app, '/', (request, reply) => {
    // The names in the page change with each build: it is asked for anew each time.
    reply.header('cache-control', 'no-cache')
    return sendFile(request, reply, page)
  })
  for (const file of files) {
    if (file === page) continue
    addRoute(app, `/${file.path}`, (request, reply) => {
      // Their names hold a hash of their content.
      reply.header('cache-control', 'public, max-age=31536000, immutable')
      return sendFile(request, reply, file)
    })
  }
}

type Send = (request: FastifyRequest, reply: FastifyReply) => FastifyReply

function addRoute(app: FastifyInstance, url: string, send: Send): void {
  app.get(url, { config: { permission: PUBLIC }, schema: { hide: true } }, async (request, reply) =>
    send(request, reply.header('content-security-policy', PAGE_POLICY)),
  )
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PortalFile): FastifyReply {
  reply.header('etag', file.etag).header('vary', 'accept-encoding')
  if (matches(request.headers['if-none-match'], file.etag)) return reply.code(304).send()
  reply.type(file.type)
  if (!/\bgzip\b/.test(String(request.headers['accept-encoding']))) return reply.send(file.plain)
  return reply.header('content-encoding', 'gzip').send(file.gzip)
}

function matches(given: string | undefined, etag: string): boolean {
  return given?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag) ?? false
}

function readFiles(folder: string): readonly PortalFile[] {
  if (!existsSync(join(folder, PAGE))) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry): PortalFile[] => {
      const type = TYPES[extname(entry.name)]
      if (!type) return []
      const name = join(entry.parentPath, entry.name)
      const plain = readFileSync(name)
      const digest = createHash('sha256').update(plain).digest('base64url').slice(0, 22)
      const path = relative(folder, name).split(sep).join('/')
      return [{ path, type, etag: `"${digest}"`, plain, gzip: gzipSync(plain) }]
    })
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Padborg telemetry</title>
<h1>Padborg telemetry</h1>
<p>The platform runs, but its portal is not built. <code>npm start</code> builds it before it starts
the platform. Or build it by hand in the folder of the program, then start the platform again:</p>
<pre>node scripts/build-portal.ts</pre>
<p>Meanwhile:</p>
<ul>
<li><a href="/docs">The API and its documentation</a> (<a href="/openapi.json">OpenAPI</a>)</li>
<li><a href="/health/ready">Whether the platform is ready</a></li>
<li><a href="/metrics">Metrics for Prometheus</a></li>
</ul>
</html>
`
