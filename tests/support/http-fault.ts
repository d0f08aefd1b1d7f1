import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

interface Passing {
  readonly pass: true
  /** The server takes the request, and the client hears otherwise. */
  readonly status?: number
  readonly body?: string
  /** A larger request is never answered. */
  readonly mostBytes?: number
}

/** What to do with one request: pass it on, or answer in the server's place. */
export type Fault =
  | Passing
  | {
      readonly status: number
      readonly body?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | 'silence'

export interface FaultProxy {
  readonly url: string
  /** Requests so far, as method and path. */
  readonly requests: string[]
  /** Connections that are open now. */
  connections(): number
  /** Judges every request from here on; null passes all. */
  inject(fault: ((request: IncomingMessage) => Fault) | null): void
  close(): Promise<void>
}

/** A proxy before a real server, that can refuse, answer otherwise than the server, or say nothing. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  let judge: ((request: IncomingMessage) => Fault) | null = null
  const server = createServer((incoming, response) => {
    requests.push(`${incoming.method} ${incoming.url}`)
    const fault: Fault = judge?.(incoming) ?? { pass: true }
    if (fault === 'silence') incoming.resume()
    else if ('pass' in fault) passOn(target, incoming, response, fault)
    else {
      incoming.resume()
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '')
    }
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    connections: () => sockets.size,
    inject(fault) {
      judge = fault
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

function passOn(
  target: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, body, mostBytes = Infinity }: Passing,
): void {
  const { method, headers, url } = incoming
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const whole = Buffer.concat(chunks)
    if (whole.length > mostBytes) return
    const outgoing = request(new URL(url ?? '/', target), { method, headers }, (answer) => {
      if (status === undefined) {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      } else {
        answer.resume()
        response.writeHead(status).end(body ?? '')
      }
    })
    outgoing.on('error', () => response.destroy())
    outgoing.end(whole)
  })
}
