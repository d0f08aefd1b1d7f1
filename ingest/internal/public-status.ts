import type { ServerResponse } from 'node:http'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { type IngestStatus, readinessProblems } from '#lib/telemetry/readiness.ts'

interface PublicDeps {
  readonly status: () => IngestStatus
  readonly metrics: Metrics
  readonly readyLagMs: number
}

/** How the intake is: the same addresses as the API has, for a process without one. */
export async function sendPublic(
  path: string,
  response: ServerResponse,
  { status, metrics, readyLagMs }: PublicDeps,
): Promise<void> {
  if (path === '/health/live') return sendJson(response, 200, { live: true })
  if (path === '/health/ready') {
    const now = status()
    const problems = readinessProblems(now, readyLagMs)
    const ready = problems.length === 0
    return sendJson(response, ready ? 200 : 503, { ...now, ready, problems })
  }
  if (path === '/metrics') {
    const { contentType, text } = await metrics.show()
    response.writeHead(200, { 'content-type': contentType }).end(text)
    return
  }
  const detail = 'expected /health/live, /health/ready or /metrics; the API is in another process'
  sendJson(response, 404, { status: 404, detail })
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
