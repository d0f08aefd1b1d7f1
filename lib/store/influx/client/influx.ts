import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { InfluxDB, type Transport } from '@influxdata/influxdb-client'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { ForeignRows } from './foreign-rows.ts'
import { isUnknownMeasurement, parseResponse, StatementError, type Series } from './response.ts'
import { explainFailure, Refusal, StoreBusy } from './failure.ts'
import { writeHalving, type RefusedLine } from './halving.ts'
import { authorizationOf, type InfluxSettings } from '../settings.ts'

export type { Cell, Series } from './response.ts'
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
  /** What other programs have written to measurements of ours. */
  readonly foreign: ForeignRows
  write(lines: readonly string[], signal?: AbortSignal): Promise<WriteOutcome>
  /** Series of a statement; more than `MAX_RESPONSE_BYTES` of them are refused. */
  query(influxql: string, signal?: AbortSignal): Promise<Series[]>
  /** The same, apart for each statement. */
  queryEach(statements: readonly string[], signal?: AbortSignal): Promise<Series[][]>
  /** Writes a point of no meaning, at which 3.x makes the database. Throws as `write` does. */
  makeDatabase(): Promise<void>
  /** A request to another path of the server; returns its text. */
  request(path: string, method: string, body?: string): Promise<string>
  ping(signal?: AbortSignal): Promise<{ readonly version: string }>
  close(): void
}

/** A response is held in memory as a whole. */
const MAX_RESPONSE_BYTES = 128 * 1024 * 1024
const GZIP_FROM_BYTES = 1000

export function createInflux(settings: InfluxSettings, deps: InfluxDeps): Influx {
  return new InfluxClient(settings, deps)
}

class InfluxClient implements Influx {
  readonly settings: InfluxSettings
  readonly foreign: ForeignRows
  readonly #deps: InfluxDeps
  readonly #agent: HttpAgent
  readonly #transport: Transport
  readonly #closing = new AbortController()

  constructor(settings: InfluxSettings, deps: InfluxDeps) {
    this.settings = settings
    this.#deps = deps
    this.foreign = new ForeignRows(deps.log)
    const { url } = settings
    this.#agent = new (url.startsWith('https:') ? HttpsAgent : HttpAgent)({ keepAlive: true })
    const authorization = authorizationOf(settings)
    const { transport } = new InfluxDB({
      url,
      headers: authorization === null ? {} : { authorization },
      // Deadlines are ours: the client's own would leave the request running.
      timeout: 0,
      transportOptions: { agent: this.#agent },
    })
    this.#transport = transport
  }

  async write(lines: readonly string[], signal?: AbortSignal): Promise<WriteOutcome> {
    if (lines.length === 0) return { refused: [] }
    const refused = await writeHalving(lines, (part) => this.#attempt(part, signal))
    const [first] = refused
    if (!first) return { refused }
    if (refused.length === lines.length) await this.#requireWritable(first.reason, signal)
    this.#deps.log.warn({ lines: refused.length, reason: first.reason }, 'InfluxDB refuses lines')
    return { refused }
  }

  async query(influxql: string, signal?: AbortSignal): Promise<Series[]> {
    return (await this.queryEach([influxql], signal)).flat()
  }

  async queryEach(statements: readonly string[], signal?: AbortSignal): Promise<Series[][]> {
    try {
      return await this.#query(statements.join(';\n'), signal)
    } catch (error) {
      if (!isUnknownMeasurement(messageOf(error))) throw error
      // Which of them it is, the server has not said.
      const [first, ...more] = statements
      if (first === undefined || more.length === 0) return [[]]
      const found: Series[][] = []
      for (const one of statements) found.push((await this.queryEach([one], signal)).flat())
      return found
    }
  }

  async makeDatabase(): Promise<void> {
    const reason = await this.#attempt([this.#checkLine()])
    if (reason !== null) throw this.#unwritable(reason)
  }

  request(path: string, method: string, body = ''): Promise<string> {
    return this.#send((signal) => this.#read(path, { method, body, type: JSON_TYPE, signal }))
  }

  ping(signal?: AbortSignal): Promise<{ readonly version: string }> {
    return this.#send(async (either) => {
      let version = ''
      const options = { method: 'GET', signal: either }
      await this.#transport.request('/ping', '', options, (headers) => {
        version = String(headers['x-influxdb-version'] ?? '')
      })
      return { version }
    }, signal)
  }

  close(): void {
    this.#closing.abort(new PlatformError('CLOSED', 'the connection to InfluxDB was closed'))
    this.#agent.destroy()
  }

  /** A caller with a signal has a deadline of its own. */
  #query(influxql: string, signal?: AbortSignal): Promise<Series[][]> {
    const path = `/query?db=${encodeURIComponent(this.settings.database)}&epoch=ns&chunked=true`
    const body = `q=${encodeURIComponent(influxql)}`
    const options = { method: 'POST', body, type: FORM_TYPE }
    return this.#send(
      async (either) => parseResponse(await this.#read(path, { ...options, signal: either })),
      signal,
      signal ? null : this.settings.timeoutMs,
    )
  }

  /** The reason of a refusal, or null when the lines are stored. */
  async #attempt(lines: readonly string[], signal?: AbortSignal): Promise<string | null> {
    try {
      await this.#send((either) => this.#writeOnce(lines, either), signal)
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
  async #writeOnce(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const { url, org, database, kind } = this.settings
    const client = new InfluxDB({ url, transport: withSignal(this.#transport, signal) })
    const api = client.getWriteApi(org ?? '', database, 'ns', {
      maxRetries: 0,
      flushInterval: 0,
      batchSize: lines.length + 1,
      maxBatchBytes: Infinity,
      gzipThreshold: GZIP_FROM_BYTES,
      // Taken over from the client, which would write it to the console.
      writeFailed: rethrow,
    })
    if (kind === 'v1') api.path = `/write?db=${encodeURIComponent(database)}&precision=ns`
    try {
      api.writeRecords([...lines])
      await api.flush()
    } finally {
      api.dispose()
    }
  }

  /** Where every line is refused it may be the address that is wrong, and not the lines. */
  async #requireWritable(reason: string, signal?: AbortSignal): Promise<void> {
    if ((await this.#attempt([this.#checkLine()], signal)) !== null) throw this.#unwritable(reason)
  }

  #checkLine(): string {
    return `padborg_check ok=1i ${this.#deps.clock.nowNs()}`
  }

  #unwritable(reason: string): PlatformError {
    const { url, database } = this.settings
    return new PlatformError(
      'CONFIG_INVALID',
      `expected InfluxDB at ${url} to take lines for ${database}, it refuses every one: ${reason}`,
    )
  }

  async #read(path: string, { method, body, type, signal }: ReadOptions): Promise<string> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    const received = this.#transport.iterate(path, body, {
      method,
      headers: { 'content-type': type, accept: JSON_TYPE, 'accept-encoding': 'gzip' },
      signal,
    })
    for await (const chunk of received) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > MAX_RESPONSE_BYTES) {
        throw new StatementError(`the response is larger than ${MAX_RESPONSE_BYTES} bytes`)
      }
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  async #send<T>(
    work: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
    limitMs: number | null = this.settings.timeoutMs,
  ): Promise<T> {
    const deadline = limitMs === null ? new AbortController().signal : AbortSignal.timeout(limitMs)
    const closing = this.#closing.signal
    const wanted = signal ? AbortSignal.any([closing, signal]) : closing
    try {
      wanted.throwIfAborted()
      return await work(AbortSignal.any([deadline, wanted]))
    } catch (error) {
      const failed = { error, deadline, signal: wanted }
      throw explainStatement(explainFailure(failed, this.settings, this.#deps.clock), this.settings)
    }
  }
}

function explainStatement(error: unknown, { url, database }: InfluxSettings): unknown {
  if (!(error instanceof StatementError)) return error
  const got = `got: ${error.message}`
  if (/database not found/i.test(error.message)) {
    return new PlatformError(
      'CONFIG_INVALID',
      `expected a database ${database} on InfluxDB at ${url}, ${got}; create it or check INFLUX_DATABASE`,
      { cause: error },
    )
  }
  return new StoreBusy(`expected InfluxDB at ${url} to answer, ${got}`, { cause: error })
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

const FORM_TYPE = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

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
