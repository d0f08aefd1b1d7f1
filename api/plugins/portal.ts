import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'
import { PUBLIC } from './admission.ts'
import { PAGE_POLICY, policyOf } from './headers.ts'

const DIST = join(import.meta.dirname, '../../dashboards/portal/dist')
const PAGE = 'index.html'
/** Folder of a build whose files are served; other files beside it are not part of the portal. */
const ASSETS = 'assets'

/**
 * The built portal: its page at `/` and the files of the page below `/assets`. The pages of the
 * portal differ only behind `#`, which is never sent. Without a build, `/` shows how to make one.
 */
export async function addPortal(app: FastifyInstance, _api: Api, folder = DIST): Promise<void> {
  if (!existsSync(join(folder, PAGE))) {
    addRoute(app, '/', (_request, reply) => reply.type('text/html; charset=utf-8').send(NOT_BUILT))
    return
  }
  // Not its own routes: each route of ours names a permission.
  await app.register(fastifyStatic, {
    root: folder,
    serve: false,
    cacheControl: false,
    lastModified: false,
    acceptRanges: false,
    dotfiles: 'ignore',
  })
  // The names in the page change with each build: a browser checks it each time.
  addRoute(app, '/', (_request, reply) => reply.header('cache-control', 'no-cache').sendFile(PAGE))
  addRoute(app, `/${ASSETS}/*`, (request, reply) => {
    const { '*': name } = request.params as { readonly '*': string }
    return reply.sendFile(`${ASSETS}/${name}`, IMMUTABLE)
  })
}

/** Names of assets hold a hash of their content. A name that does not exist is not cached. */
const IMMUTABLE = { cacheControl: true, maxAge: '1y', immutable: true }

type Send = (request: FastifyRequest, reply: FastifyReply) => FastifyReply

function addRoute(app: FastifyInstance, url: string, send: Send): void {
  const options = {
    config: { permission: PUBLIC },
    schema: { hide: true },
    helmet: policyOf(PAGE_POLICY),
  }
  app.get(url, options, async (request, reply) => send(request, reply))
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
