import type { FastifyInstance } from 'fastify'
import type { Api } from '../api.ts'
import { PUBLIC } from '../plugins/gate.ts'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Padborg telemetry</title>
<h1>Padborg telemetry</h1>
<p>Telemetry of the Padborg 5G testbed and of data-centre waste heat in South Jutland.</p>
<ul>
<li><a href="/docs">The API and its documentation</a> (<a href="/openapi.json">OpenAPI</a>)</li>
<li><a href="/health/ready">Whether the platform is ready</a></li>
<li><a href="/metrics">Metrics for Prometheus</a></li>
</ul>
</html>
`

/** What somebody sees who opens the address in a browser. */
export function addPage(app: FastifyInstance, _api: Api): void {
  app.get(
    '/',
    { config: { permission: PUBLIC }, schema: { hide: true } },
    async (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE),
  )
}
