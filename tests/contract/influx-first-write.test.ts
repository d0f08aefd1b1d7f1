import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { HOUR_NS } from '#lib/telemetry/time-grid.ts'
import { openStore } from '#lib/store/open.ts'
import type { Store } from '#lib/store/store.ts'
import { ALL, WIDE, lossOf, readAll, storeOptions, throughputOf } from './store-fixture.ts'
import { JOURNAL, randomFleet } from './store-rows.ts'

/*
 * No InfluxDB 3 runs in these tests: a small HTTP server answers as its documents say. It has no
 * database before the first write, knows no measurement before it is written to, and takes no
 * statement that only 1.x and 2.x understand. It keeps nothing.
 */
describe('an InfluxDB that makes databases and measurements at the first write', () => {
  const dir = mkdtempSync(join(tmpdir(), 'padborg-influx3-'))
  const measurements = new Set<string>()
  const refused: string[] = []
  let hasDatabase = false
  let server: Server
  let store: Store

  beforeEach(async () => {
    server = createServer((request, response) => void respond(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    await store.upkeep.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    rmSync(dir, { recursive: true, force: true })
  })

  it('opens, takes readings, and is empty where nothing was written', async () => {
    const { port } = server.address() as AddressInfo
    const account = { kind: 'v2', database: 'testbed', org: 'padborg', token: 'a' } as const
    const influx = { url: `http://127.0.0.1:${port}`, ...account, timeoutMs: 5000, maxSeries: 1e4 }
    store = (await openStore(storeOptions(dir, { url: 'influx:', influx }))).store
    expect(hasDatabase).toBe(true)
    expect(await readAll(store)).toEqual([])
    const readings = randomFleet({ seed: 3, messages: 20 })
    const identities = readings.map((row) => ({ ...row, position: 1e6 }))
    expect(new Set(await store.writer.known(identities))).toEqual(new Set(['unknown']))
    expect(await store.writer.write({ journal: JOURNAL, toPosition: 20, readings })).toEqual({
      refused: [],
    })
    const scan = { scope: ALL, ...WIDE, everyNs: HOUR_NS, by: ['kind'] as const }
    await Promise.all([throughputOf(store, scan), lossOf(store, scan)])
    for (const kind of KIND_NAMES) {
      const page = { fields: null, limit: 10, cursor: null }
      const { data } = await store.reader.aggregates({ ...scan, ...page, kind })
      expect(data).toEqual([])
    }
    expect(refused).toEqual([])
  })

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = answer(request, await text(request))
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }

  function answer({ url = '' }: IncomingMessage, body: string) {
    if (url.startsWith('/api/v2/write')) {
      hasDatabase = true
      for (const line of body.split('\n')) measurements.add(line.split(/[, ]/)[0] ?? '')
      return { status: 204, body: '' }
    }
    if (!url.startsWith('/query')) return { status: 404, body: '{"error":"not found"}' }
    if (!hasDatabase) return { status: 404, body: '{"error":"database not found: testbed"}' }
    const statements = new URLSearchParams(body).get('q')?.split(';\n') ?? []
    return { status: 200, body: JSON.stringify({ results: statements.map(resultOf) }) }
  }

  function resultOf(statement: string, at: number) {
    if (/WHERE[^]*&|GROUP BY[^]*\bS?LIMIT/i.test(statement)) refused.push(statement)
    const name = /FROM "([^"]+)"/.exec(statement)?.[1] ?? ''
    const isKnown = measurements.has(name)
    return { statement_id: at, ...(isKnown ? {} : { error: `measurement not found: ${name}` }) }
  }
})
