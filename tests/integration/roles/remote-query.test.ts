import { afterEach, describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { createMemoryPort } from '../../unit/api/memory-port.ts'
import { ALL, reach, serve, type Served } from './roles-support.ts'

const QUIET: LiveFeed = {
  journal: '00000000-0000-4000-8000-000000000001',
  position: 0,
  join: () => ({ from: Promise.resolve(0), close: () => {} }),
}
const STATUS = {
  journal: QUIET.journal,
  durable: 0,
  written: 0,
  lagMessages: 0,
  lagMs: 0,
  problems: [],
  warnings: [],
}

describe('a query to a remote intake', () => {
  const dir = temporaryDir('roles-remote-query')
  const open: { close(): unknown }[] = []
  afterEach(async () => {
    for (const one of open.splice(0).toReversed()) await one.close()
  })

  async function connect(port: IngestPort) {
    const backups = { begin: () => Promise.reject(new Error('none')) }
    const served: Served = await serve({ port, live: QUIET, backups, status: () => STATUS })
    open.push(served)
    const remote = await reach(served.url, dir.path)
    open.push(remote)
    return { served, remote }
  }

  it('is cancelled there when the caller cancels it here', async () => {
    const port = createMemoryPort()
    let there: AbortSignal | undefined
    port.before = (_name, signal) => {
      there = signal
      return new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason)),
      )
    }
    const { remote } = await connect(port)
    const here = new AbortController()
    const result = remote.port
      .query('delivery', { scope: ALL }, here.signal)
      .catch((error: unknown) => error)
    await waitFor(() => there !== undefined)
    expect(there?.aborted).toBe(false)
    here.abort(new Error('given up'))
    expect(await result).toMatchObject({ message: 'given up' })
    await waitFor(() => there?.aborted)
  })

  it('fails here with the code and path it failed with there', async () => {
    const port = createMemoryPort()
    port.before = () =>
      Promise.reject(new PlatformError('QUERY_BUSY', 'too many', { path: 'kind' }))
    const { remote } = await connect(port)
    const error = await remote.port
      .query('recoveredHeat', {} as never)
      .catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(PlatformError)
    expect(error).toMatchObject({ code: 'QUERY_BUSY', message: 'too many', path: 'kind' })
  })

  it('fails as a bug there fails here: without a code', async () => {
    const port = createMemoryPort()
    port.before = () => Promise.reject(new TypeError('x is not a function'))
    const { remote } = await connect(port)
    const error = await remote.port.status().catch((failure: unknown) => failure)
    expect(error).not.toBeInstanceOf(PlatformError)
    expect(error).toMatchObject({ message: 'x is not a function' })
  })

  it('ends when the intake dies during it', async () => {
    const port = createMemoryPort()
    let hasArrived = false
    port.before = () => {
      hasArrived = true
      return new Promise(() => {})
    }
    const { served, remote } = await connect(port)
    const result = remote.port.replay({} as never).catch((failure: unknown) => failure)
    await waitFor(() => hasArrived)
    await served.close()
    expect(await result).toMatchObject({ code: 'INGEST_UNREACHABLE' })
    await expect(remote.port.status()).rejects.toMatchObject({
      code: 'INGEST_UNREACHABLE',
    })
  })

  it('works again when the intake is back on its address', async () => {
    const port = createMemoryPort()
    const { served, remote } = await connect(port)
    expect((await remote.port.status()).durable).toBe(7)
    await served.close()
    await waitFor(() => remote.problem() !== null)
    const backups = { begin: () => Promise.reject(new Error('none')) }
    const parts = { port, live: QUIET, backups, status: () => STATUS }
    open.push(await serve(parts, { port: served.port }))
    await waitFor(() => remote.problem() === null)
    expect((await remote.port.status()).durable).toBe(7)
  })
})
