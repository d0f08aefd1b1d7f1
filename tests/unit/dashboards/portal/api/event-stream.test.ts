import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createEventReader,
  followEvents,
  type StreamEvent,
} from '../../../../../dashboards/portal/src/api/event-stream.ts'
import { waitFor } from '../../../../support/wait-for.ts'

/** The three blocks that the platform writes, once with the line ends of a proxy. */
const TEXT =
  'event: reading\nid: j1:7.0\ndata: {"a":1}\n\n: heartbeat\nid: j1:9.0\n\n' +
  'event: gap\r\ndata: one\r\ndata: two\r\n\r\n'

describe('events of the platform', () => {
  it('are the same however the text is cut, with the ids to resume after', () => {
    for (let size = 1; size <= TEXT.length; size += 1) {
      const events: StreamEvent[] = []
      const ids: string[] = []
      const read = createEventReader({
        event: (event) => events.push(event),
        id: (id) => ids.push(id),
      })
      for (let at = 0; at < TEXT.length; at += size) read(TEXT.slice(at, at + size))
      expect(events, `pieces of ${size}`).toEqual([
        { event: 'reading', data: '{"a":1}' },
        { event: 'gap', data: 'one\ntwo' },
      ])
      expect(ids, `pieces of ${size}`).toEqual(['j1:7.0', 'j1:9.0'])
    }
  })

  it('end the stream when one of them is longer than 4 Mi characters', () => {
    const read = createEventReader({ event: () => {}, id: () => {} })
    expect(() => {
      for (let at = 0; at < 10; at += 1) read(`data: ${'x'.repeat(1024 * 1024)}\n`)
    }).toThrow(/max buffer size/)
    const cut = createEventReader({ event: () => {}, id: () => {} })
    cut('data: ')
    expect(() => {
      for (let at = 0; at < 10; at += 1) cut('x'.repeat(1024 * 1024))
    }).toThrow(/max buffer size/)
  })
})

describe('a stream that breaks off', () => {
  let server: Server
  let stop = () => {}

  afterEach(() => {
    stop()
    server.close()
    server.closeAllConnections()
  })

  it('is opened again after the last id', async () => {
    const resumedAfter: (string | undefined)[] = []
    server = createServer(({ headers }, response) => {
      resumedAfter.push(headers['last-event-id']?.toString())
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      if (resumedAfter.length === 1) response.end(TEXT)
      else response.write('event: reading\ndata: again\n\n')
    })
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const seen: string[] = []
    const states: boolean[] = []
    let pieces = 0
    stop = followEvents(
      {
        open: (path, headers, signal) =>
          fetch(`http://127.0.0.1:${port}${path}`, { headers, signal }),
      },
      '/live',
      {
        alive: () => (pieces += 1),
        event: ({ data }) => seen.push(data),
        streaming: (is) => states.push(is),
      },
    )
    await waitFor(() => seen.includes('again'), { what: 'events flow again' })
    expect(resumedAfter).toEqual([undefined, 'j1:9.0'])
    expect(states).toEqual([true, false, true])
    expect(pieces, 'each connection is contact').toBeGreaterThanOrEqual(2)
  })
})
