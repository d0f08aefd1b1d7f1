import { request, type IncomingMessage } from 'node:http'
import { ADMIN_KEY, type Ready } from './platform.ts'

export interface SeenEvent {
  readonly event: string
  readonly id: string
  // Tests say what they expect of it.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any
}

export interface LiveStream {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly events: SeenEvent[]
  /** What a browser would send as Last-Event-ID; '' before the first id. */
  lastId(): string
  ended(): boolean
  /** Everything that came, as it stands. */
  text(): string
  pause(): void
  resume(): void
  /** As when the network is gone. */
  cut(): void
}

export interface WatchOptions {
  readonly query?: string
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly lastId?: string
}

/** Reads a live stream as a browser does: whole blocks, an id counts when its block is complete. */
export function watch(
  platform: { readonly ready: Pick<Ready, 'http'> },
  { query = '', key = ADMIN_KEY, headers, lastId = '' }: WatchOptions = {},
): Promise<LiveStream> {
  return new Promise((resolve, reject) => {
    const asking = request({
      port: platform.ready.http,
      host: '127.0.0.1',
      path: `/api/v1/live${query}`,
      agent: false,
      headers: {
        ...(headers ?? { authorization: `Bearer ${key}` }),
        ...(lastId === '' ? {} : { 'last-event-id': lastId }),
      },
    })
    asking.once('error', reject)
    asking.once('response', (response) =>
      resolve(readStream(response, lastId, () => asking.destroy())),
    )
    asking.end()
  })
}

function readStream(response: IncomingMessage, first: string, cut: () => void): LiveStream {
  const events: SeenEvent[] = []
  let rest = ''
  let all = ''
  let last = first
  let isOver = false
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    all += chunk
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) take(block)
  })
  response.once('close', () => (isOver = true))
  response.on('error', () => (isOver = true))

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    lastId: () => last,
    ended: () => isOver,
    text: () => all,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    cut,
  }

  function take(block: string): void {
    const fields = new Map(
      block
        .split('\n')
        .filter((line) => !line.startsWith(':'))
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    const id = fields.get('id')
    if (id !== undefined) last = id
    const event = fields.get('event')
    const data = fields.get('data')
    if (event && data) events.push({ event, id: id ?? '', data: JSON.parse(data) })
  }
}
