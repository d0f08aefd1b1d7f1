import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { LiveEvent, LiveFeed, SilenceEvent } from '#lib/telemetry/live.ts'
import { callerTagOf, type CallerTag } from '#lib/telemetry/caller-tag.ts'
import { isAllowed, rolesWith, type Caller, type Permission } from '#lib/access/policy.ts'
import type { Api } from '../api.ts'
import { untilClientGone } from '../replies/client-gone.ts'
import { sendProblem } from '../endpoint.ts'
import { mergedStreams, partOf } from '../live/merged-stream.ts'
import { oneAtATime, type MissedPort } from '../live/missed-events.ts'
import { Outbox, type LiveText } from '../live/outbox.ts'
import { RETRY_MS, createLiveTexts } from '../live/event-text.ts'
import { startViewer, type Viewer, type ViewerOptions } from '../live/viewer.ts'
import { Viewers } from '../live/viewers.ts'
import { namesFor } from '../auth/caller-names.ts'
import { deviceParameters, kindsParameter } from '#lib/queries/parameters.ts'
import { PROBLEM_TYPE, Problem } from '../replies/problem.ts'
import { problemSchema } from '../replies/schemas.ts'
import { deviceScope, readingScope, type Requester } from '../auth/scope.ts'

const PERMISSION: Permission = 'readings:read'
const querySchema = z.strictObject({ ...kindsParameter, ...deviceParameters })
type Query = z.output<typeof querySchema>

const SCHEMA = {
  tags: ['readings'],
  summary: 'Readings and rejections as they arrive, as server-sent events',
  description:
    `Roles: ${rolesWith(PERMISSION).join(', ')}; rejections: ` +
    `${rolesWith('rejections:read').join(', ')}. Events \`reading\` and \`rejection\` hold a row as ` +
    '/readings and /rejections have it; `gap` {from, to, dropped} names the events that were not sent. ' +
    '`silence` {device, topic, since, limitSeconds, ended, endedBy} reports a VDA 5050 robot that is ' +
    'ONLINE and sends no state, to roles that may see rejections: when that begins, with `ended` ' +
    'null, and when it ends. It has no id and is not repeated. ' +
    'Send the last id as Last-Event-ID to continue after it.',
  security: [{ key: [] }, { session: [] }],
  querystring: querySchema,
  response: {
    200: {
      description: 'Events without end.',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    default: {
      description: 'What was expected, what came and what to do.',
      content: { [PROBLEM_TYPE]: { schema: problemSchema } },
    },
  },
} as const

/** How long a viewer may take to read the end of its stream. */
const END_MS = 1000

export function addLive(
  app: FastifyInstance,
  api: Api,
  callerOf: (request: FastifyRequest) => Caller,
): void {
  const route: LiveRoute = {
    api,
    viewers: new Viewers(api),
    sources: api.intakes.map((intake) => ({
      live: intake.live,
      portFor: oneAtATime(intake.port),
      textFor: createLiveTexts(intake.live),
    })),
  }
  const { viewers } = route
  api.metrics.gauge('padborg_live_viewers', () => viewers.size)
  // Streams never end by themselves: without this the server would wait for them.
  app.addHook('preClose', async () => viewers.endAll())
  app.route({
    method: 'GET',
    url: '/api/v1/live',
    // A stream that nobody reads would count as a viewer.
    exposeHeadRoute: false,
    // A compressor would delay events until it has enough of them.
    compress: false,
    config: { permission: PERMISSION },
    schema: SCHEMA,
    handler: async (request, reply) => watch(route, callerOf(request), request, reply),
  })
}

interface LiveRoute {
  readonly api: Api
  readonly viewers: Viewers
  readonly sources: readonly {
    readonly live: LiveFeed
    readonly portFor: (caller: CallerTag) => MissedPort
    readonly textFor: (requester: Requester) => LiveText
  }[]
}

/** Sends events until the client leaves or may not watch any more. */
function watch(
  { api, viewers, sources }: LiveRoute,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const requester = { caller, names: namesFor(caller, api) }
  // Validated by the schema of this route.
  const wanted = wantedOf(api, requester, request.query as Query)
  if (wanted instanceof Problem) return sendProblem(reply, wanted)
  const full = viewers.refusal(caller)
  if (full) return sendProblem(reply, full)
  const away = api.intakes.map((intake) => intake.problem()).find((problem) => problem !== null)
  if (away) throw away
  const lastId = lastIdOf(request)
  const signal = untilClientGone(reply.raw)
  const mayWatch = () => viewers.mayWatch(caller)
  const shown = sources.map(({ live, portFor, textFor }) => {
    const outbox = new Outbox({
      limit: api.options.liveLimits.queue,
      text: textFor(requester),
      dropped: (n) => api.metrics.count('padborg_live_dropped_total', n),
      opening: `retry: ${RETRY_MS}\n\n`,
    })
    const port = portFor(callerTagOf(caller.key))
    const own = { live, port, outbox, lastId: partOf(live.journal, lastId) }
    return { outbox, viewer: startViewer(api, { ...wanted, mayWatch, signal, ...own }) }
  })
  const viewer = together(shown.map((one) => one.viewer))
  viewers.add(viewer, caller)
  reply.raw.once('close', () => {
    viewer.end()
    viewers.remove(viewer)
  })
  return sendEvents(reply, mergedStreams(shown.map(({ outbox }) => outbox.stream)))
}

function sendEvents(reply: FastifyReply, stream: Readable): FastifyReply {
  // A viewer that does not read the end is cut off.
  stream.once('end', () => setTimeout(() => reply.raw.destroy(), END_MS).unref())
  return reply
    .headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      connection: 'close',
    })
    .send(stream)
}

/** One viewer of several intakes. */
function together(viewers: readonly Viewer[]): Viewer {
  return {
    heartbeat: () => viewers.forEach((viewer) => viewer.heartbeat()),
    end: () => viewers.forEach((viewer) => viewer.end()),
  }
}

type Wanted = Pick<ViewerOptions, 'interest' | 'isShown'>

function wantedOf({ registry }: Api, requester: Requester, query: Query): Wanted | Problem {
  const { kind, device, tenant } = query
  const readings = readingScope(requester, { kind, device, tenant })
  if (readings instanceof Problem) return readings
  const mayReject = isAllowed(requester.caller, 'rejections:read')
  const rejections = mayReject ? deviceScope(requester, { device, tenant }) : null
  if (rejections instanceof Problem) return rejections
  return { interest: { readings, rejections }, isShown }

  /** Rejections and silences have the kind of their device; devices may be added while a stream is open. */
  function isShown(event: LiveEvent | SilenceEvent): boolean {
    if (event.type === 'reading' || !kind) return true
    const known = registry.devices.get(event.row.device)?.kind
    return kind.some((one) => one === known)
  }
}

function lastIdOf({ headers }: FastifyRequest): string | null {
  const { 'last-event-id': given } = headers
  // An empty header means the same as none.
  return typeof given === 'string' && given !== '' ? given : null
}
