import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInflux, type Influx } from '#lib/store/influx/client/influx.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openStore } from '#lib/store/open.ts'
import type { InfluxOptions, StoreOptions } from '#lib/store/options.ts'
import type { OpenedStore, Store } from '#lib/store/store.ts'
import type { TestServer } from '../support/influxd.ts'
import { storeOptions } from './store-fixture.ts'

/** One database of a server, the folder beside it, and the stores that a test opens on them. */
export interface InfluxPlace {
  readonly settings: InfluxOptions
  readonly dir: string
  /** The database itself, past the store. */
  readonly influx: Influx
  open(over?: Partial<StoreOptions>, influx?: Partial<InfluxOptions>): Promise<OpenedStore>
  /** The folder as `kill -9` at this moment would leave it; the place then goes on with it. */
  afterKill(): void
  close(): Promise<void>
}

let databases = 0

export function createInfluxPlace(server: TestServer, url = server.url): InfluxPlace {
  const { username, password } = server
  databases += 1
  const database = `store_${process.pid}_${databases}`
  const settings = { url, username, password, kind: 'v1', database } as const
  const options: InfluxOptions = { ...settings, timeoutMs: 10_000, maxSeries: 10_000 }
  const influx = createInflux(
    { ...options, url: server.url },
    { log: createLog('silent'), clock: systemClock },
  )
  const dirs = [temporaryDir()]
  const stores: Store[] = []
  return {
    settings: options,
    influx,
    get dir() {
      return dirs.at(-1) ?? ''
    },
    async open(over = {}, changed = {}) {
      const opened = await openStore(
        storeOptions(dirs.at(-1) ?? '', {
          url: 'influx:',
          influx: { ...options, ...changed },
          ...over,
        }),
      )
      stores.push(opened.store)
      return opened
    },
    afterKill() {
      const copy = temporaryDir()
      cpSync(dirs.at(-1) ?? '', copy, { recursive: true })
      dirs.push(copy)
    },
    async close() {
      for (const store of stores) await store.upkeep.close()
      influx.close()
      for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
    },
  }
}

function temporaryDir(): string {
  return mkdtempSync(join(tmpdir(), 'padborg-influx-'))
}
