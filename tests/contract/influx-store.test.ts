import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { openStore } from '#lib/store/open.ts'
import { hasInfluxd, startInfluxd, type TestServer } from '../support/influxd.ts'
import { storeOptions } from './store-fixture.ts'
import { storeContract } from './store.ts'

if (!hasInfluxd)
  process.stderr.write('the store in InfluxDB is skipped: influxd is not installed\n')

// Each batch is a request and an fsync of the server: slow where the machine is busy.
describe.skipIf(!hasInfluxd)('influxd 1.6.7 with authorization', { timeout: 120_000 }, () => {
  let server: TestServer
  let places = 0

  beforeAll(async () => {
    server = await startInfluxd()
  })
  afterAll(async () => {
    await server?.stop()
  })

  // Each place is a database of its own; all go with the server.
  storeContract('influx 1.x', () => {
    const dir = mkdtempSync(join(tmpdir(), 'padborg-influx-'))
    const { url, username, password } = server
    places += 1
    const influx = {
      url,
      username,
      password,
      kind: 'v1' as const,
      database: `place_${places}`,
      timeoutMs: 10_000,
      maxSeries: 10_000,
    }
    return {
      open: (over) => openStore(storeOptions(dir, { url: 'influx:', influx, ...over })),
      remove: () => rmSync(dir, { recursive: true, force: true }),
    }
  })
})
