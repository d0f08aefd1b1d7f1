import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { InfluxDB, type Transport } from '@influxdata/influxdb-client'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { parseAnswer, StatementError, type Series } from './answer.ts'
import { explainFailure, Refusal, StoreBusy } from './failure.ts'
import { writeHalving, type RefusedLine } from './halving.ts'
import { authorizationOf, type InfluxSettings } from '../settings.ts'

export type { Cell, Series } from './answer.ts'
export type { RefusedLine } from './halving.ts'

export interface InfluxDeps {
  readonly log: Log
  readonly clock: Clock
}

export interface WriteOutcome {
  /** Lines that InfluxDB does not take; all others are stored. */
  readonly refused: readonly RefusedLine[]
}

/**
 * One InfluxDB. Throws STORE_UNAVAILABLE (a `StoreBusy`) where trying again later can help, and
 * CONFIG_INVALID where it cannot. Nothing is kept between calls: the caller has the lines until
 * `write` resolves. After `close()` requests under way fail.
 */
export interface Influx {
  readonly settings: InfluxSettings
  write(lines: readonly string[], signal?: AbortSignal): Promise<WriteOutcome>
  /** Series of one or several statements; more than `MOST_ANSWER_BYTES` of them are refused. */
  query(influxql: string, signal?: AbortSignal): Promise<Series[]>
  /** The same, apart for each statement. */
  queryEach(statements: readonly string[], signal?: AbortSignal): Promise<Series[][]>
  /** A request to another path of the server; answers its text. */
  request(path: string, method: string, body?: string): Promise<string>
  ping(signal?: AbortSignal): Promise<{ readonly version: string }>
  close(): void
}

/** An answer is held in memory as a whole. */
const MOST_ANSWER_BYTES = 128 * 1024 * 1024
const GZIP_FROM_BYTES = 1000

export function createInflux(settings: InfluxSettings, { log, clock }: InfluxDeps): Influx {
  const { database, timeoutMs } = settings
  const isTls = settings.url.startsWith('https:')
  const agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
  const closing = new AbortController()
  const authorization = authorizationOf(settings)
  const headers = authorization === null ? {} : { authorization }
  const { transport } = new InfluxDB({
    url: settings.url,
    headers,
    // Deadlines are ours: the client's own would leave the request running.
    timeout: 0,
    transportOptions: { agent },
  })

  return {
    settings,
    async write(lines, signal) {
      if (lines.length === 0) return { refused: [] }
      const refused = await writeHalving(lines, (part) => attempt(part, signal))
      if (refused.length === lines.length) await requireWritable(refused[0]?.words ?? '', signal)
      if (refused.length > 0) {
        const [{ words }] = refused as [RefusedLine]
        log.warn({ lines: refused.length, words }, 'InfluxDB refuses lines')
      }
      return { refused }
    },
    query: async (influxql, signal) => (await query(influxql, signal)).flat(),
    queryEach: (statements, signal) => query(statements.join(';\n'), signal),
    request: (path, method, body = '') =>
      send((signal) => read(path, { method, body, type: 'application/json', signal })),
    ping: (signal) =>
      send(async (either) => {
        let version = ''
        await transport.request('/ping', '', { method: 'GET', signal: either }, (answered) => {
          version = String(answered['x-influxdb-version'] ?? '')
        })
        return { version }
      }, signal),
    close() {
      closing.abort(new PlatformError('CLOSED', 'the connection to InfluxDB was closed'))
      agent.destroy()
    },
  }

  /** A caller with a signal has a deadline of its own. */
  function query(influxql: string, signal?: AbortSignal): Promise<Series[][]> {
    return send(
      async (either) => {
        const path = `/query?db=${encodeURIComponent(database)}&epoch=ns&chunked=true`
        const body = `q=${encodeURIComponent(influxql)}`
        return parseAnswer(await read(path, { method: 'POST', body, type: FORM, signal: either }))
      },
      signal,
      signal ? null : timeoutMs,
    )
  }

  /** The words of a refusal, or null when the lines are stored. */
  async function attempt(lines: readonly string[], signal?: AbortSignal): Promise<string | null> {
    try {
      await send((either) => writeOnce(lines, either), signal)
      return null
    } catch (error) {
      if (error instanceof Refusal) return error.message
      throw error
    }
  }

  /**
   * The client without its retries and its timer: one flush of one batch. Its buffer would flush
   * by itself when full and lose the error, so it is one line larger than the batch.
   */
  async function writeOnce(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const api = new InfluxDB({
      url: settings.url,
      transport: withSignal(transport, signal),
    }).getWriteApi(settings.org ?? '', database, 'ns', {
      maxRetries: 0,
      flushInterval: 0,
      batchSize: lines.length + 1,
      maxBatchBytes: Infinity,
      gzipThreshold: GZIP_FROM_BYTES,
      // Taken over from the client, which would write it to the console.
      writeFailed: rethrow,
    })
    if (settings.kind === 'v1') {
      api.path = `/write?db=${encodeURIComponent(database)}&precision=ns`
    }
    try {
      api.writeRecords([...lines])
      await api.flush()
    } finally {
      api.dispose()
    }
  }

  /** Where every line is refused it may be the address that is wrong, and not the lines. */
  async function requireWritable(words: string, signal?: AbortSignal): Promise<void> {
    const line = `padborg_check ok=1i ${clock.nowNs()}`
    const refusal = await attempt([line], signal)
    if (refusal === null) return
    throw new PlatformError(
      'CONFIG_INVALID',
      `expected InfluxDB at ${settings.url} to take lines for ${database}, it refuses every one: ${words}`,
    )
  }

  async function read(path: string, options: ReadOptions): Promise<string> {
    const { method, body, type, signal } = options
    const chunks: Uint8Array[] = []
    let bytes = 0
    const answered = transport.iterate(path, body, {
      method,
      headers: { 'content-type': type, accept: 'application/json', 'accept-encoding': 'gzip' },
      signal,
    })
    for await (const chunk of answered) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > MOST_ANSWER_BYTES) {
        throw new StatementError(`the answer is larger than ${MOST_ANSWER_BYTES} bytes`)
      }
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  async function send<T>(
    work: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
    limitMs: number | null = timeoutMs,
  ): Promise<T> {
    const deadline = limitMs === null ? new AbortController().signal : AbortSignal.timeout(limitMs)
    const wanted = signal ? AbortSignal.any([closing.signal, signal]) : closing.signal
    try {
      wanted.throwIfAborted()
      return await work(AbortSignal.any([deadline, wanted]))
    } catch (error) {
      throw explain(explainFailure({ error, deadline, signal: wanted }, settings, clock))
    }
  }

  function explain(error: unknown): unknown {
    if (!(error instanceof StatementError)) return error
    const said = `got: ${error.message}`
    if (/database not found/i.test(error.message)) {
      return new PlatformError(
        'CONFIG_INVALID',
        `expected a database ${database} on InfluxDB at ${settings.url}, ${said}; create it or check INFLUX_DATABASE`,
        { cause: error },
      )
    }
    return new StoreBusy(`expected InfluxDB at ${settings.url} to answer, ${said}`, {
      cause: error,
    })
  }
}

interface ReadOptions {
  readonly method: string
  readonly body: string
  readonly type: string
  readonly signal: AbortSignal
}

async function rethrow(error: Error): Promise<never> {
  throw error
}

const FORM = 'application/x-www-form-urlencoded'

/** The client's writer knows no signal: this transport adds it to what is sent. */
function withSignal(transport: Transport, signal: AbortSignal): Transport {
  return {
    chunkCombiner: transport.chunkCombiner,
    send: (path, body, options, callbacks) =>
      transport.send(path, body, { ...options, signal }, callbacks),
    request: (path, body, options, started) =>
      transport.request(path, body, { ...options, signal }, started),
    iterate: (path, body, options) => transport.iterate(path, body, { ...options, signal }),
  }
}
