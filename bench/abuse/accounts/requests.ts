import { connect, type Socket } from 'node:net'
import { repeat, type Abuse } from '../abuse.ts'
import { httpStatus, taken } from '../http-client.ts'
import type { Place } from '../place.ts'

const LONG_AGO = 'from=2020-01-01T00:00:00Z'

export const largeQueries: Abuse = {
  name: 'large queries',
  summary: '150 large queries of one viewer at once',
  run: (place, signal) =>
    repeat(signal, 150, async (n) => {
      const path = `/readings?kind=truck&every=1m&${LONG_AGO}&limit=${9000 + (n % 1000)}`
      return taken(await httpStatus(place, path, { key: place.viewerKey }, signal))
    }),
}

export const exporting: Abuse = {
  name: 'exporting',
  summary: '20 exports of one viewer at once, whose files nobody reads',
  async run(place, signal) {
    const open = new Set<Socket>()
    const attempts = await repeat(signal, 20, async (n) => {
      const path = `/api/v1/readings?kind=truck&as=csv&${LONG_AGO}&limit=10000&n=${n}`
      const socket = unread(place, path.replace(/&n=\d+/, ''), place.viewerKey)
      open.add(socket)
      await new Promise((resolve) => setTimeout(resolve, 250))
      if (open.size > 200) for (const one of open) one.destroy()
      return socket.destroyed ? 'refused' : 'taken'
    })
    for (const socket of open) socket.destroy()
    return attempts
  },
}

/** A request whose answer stays in the socket. */
function unread({ httpPort }: Place, path: string, key: string): Socket {
  const socket = connect(httpPort, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\n\r\n`)
  return socket
}

export const frozenViewers: Abuse = {
  name: 'frozen viewers',
  summary: 'ever more live streams of one key that are not read',
  async run(place, signal) {
    const open: Socket[] = []
    const attempts = await repeat(signal, 10, async () => {
      const socket = unread(place, '/api/v1/live', place.viewerKey)
      open.push(socket)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return socket.destroyed ? 'refused' : 'taken'
    })
    for (const socket of open) socket.destroy()
    return attempts
  },
}

export const wrongKeys: Abuse = {
  name: 'wrong keys',
  summary: 'requests with wrong keys, 100 at once',
  run: (place, signal) =>
    repeat(signal, 100, async (n) =>
      taken(await httpStatus(place, '/devices', { key: `pbk_wrong-${n}` }, signal)),
    ),
}

export const documents: Abuse = {
  name: 'documents',
  summary: 'fetches the OpenAPI document without a key, 50 at once',
  run: (place, signal) =>
    repeat(signal, 50, async () => taken(await httpStatus(place, '/openapi.json', {}, signal))),
}

export const slowHeaders: Abuse = {
  name: 'slow headers',
  summary: 'HTTP connections whose header never ends',
  async run(place, signal) {
    const open = new Set<Socket>()
    const attempts = await repeat(signal, 20, async () => {
      const socket = connect(place.httpPort, '127.0.0.1')
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => open.delete(socket))
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: ')
      await new Promise((resolve) => setTimeout(resolve, open.size > 3000 ? 100 : 5))
      return socket.destroyed ? 'refused' : 'taken'
    })
    for (const socket of open) socket.destroy()
    return attempts
  },
}

export const replaying: Abuse = {
  name: 'replaying',
  summary: 'asks for a replay of everything and leaves, 10 at once',
  run: (place, signal) =>
    repeat(signal, 10, async () => {
      const body = { filter: {} }
      const options = { key: place.operatorKey, body, leave: true }
      return taken(await httpStatus(place, '/rejections/replay', options, signal))
    }),
}

export const registering: Abuse = {
  name: 'registering',
  summary: 'registers ever new devices with many topics, 10 at once',
  run: (place, signal) =>
    repeat(signal, 10, async (n) => {
      const topics = Array.from({ length: 20 }, (_, at) => `${place.tenant}/t${n}/${at}/#`)
      const body = { id: `more-${n}`, tenant: place.tenant, kind: 'truck', topics }
      return taken(await httpStatus(place, '/devices', { key: place.operatorKey, body }, signal))
    }),
}

export const signingIn: Abuse = {
  name: 'signing in',
  summary: 'opens ever new sessions of the portal with a good key, 20 at once',
  run: (place, signal) =>
    repeat(signal, 20, async () => {
      const body = { key: place.viewerKey }
      return taken(await httpStatus(place, '/session', { body }, signal))
    }),
}

export const longParameters: Abuse = {
  name: 'long parameters',
  summary: 'queries whose parameters list 2000 names and a span of six years',
  run: (place, signal) =>
    repeat(signal, 20, async (n) => {
      const names = Array.from({ length: 1000 }, (_, at) => `${place.tenant}.d${at}`).join(',')
      const path = `/kpi/latency?by=device,cell,operator,band&every=1m&${LONG_AGO}&device=${names}&n=${n}`
      return taken(await httpStatus(place, path, { key: place.viewerKey }, signal))
    }),
}
