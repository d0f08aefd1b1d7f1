import { setTimeout as pause } from 'node:timers/promises'
import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { PATHS, SILENCE_MS, linesOf } from '#lib/runtime/network/internal-http.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { LiveBatch, LiveFeed, LiveInterest, LiveSubscription } from '#lib/telemetry/live.ts'
import { unreachable, type IntakeClient } from './intake-client.ts'

export interface RemoteFeedOptions {
  readonly url: string
  readonly clock: Clock
  readonly log: Log
}

const RETRY_MS = 500
/** Longer breaks end the streams of the viewers. */
const GRACE_NS = 3_000_000_000n
const NO_JOURNAL = '00000000-0000-0000-0000-000000000000'

/**
 * The live feed of an intake in another process; by its heartbeats it knows whether that intake
 * replies at all. The connection is kept open from the start. After a short break viewers read from
 * the store what they missed; after a longer one their streams are ended.
 */
export class RemoteFeed implements LiveFeed {
  /** Resolves when the first attempt to reach the intake has ended, well or not. */
  readonly tried: Promise<void>
  readonly #client: IntakeClient
  readonly #options: RemoteFeedOptions
  readonly #closing = new AbortController()
  readonly #listeners = new Map<(batch: LiveBatch) => void, LiveInterest>()
  readonly #firstTry = Promise.withResolvers<void>()
  #journal = NO_JOURNAL
  #position = 0
  #stream: string | null = null
  #problem: PlatformError | null
  #lostAtNs: bigint | null
  #connected = new AbortController()
  /** The update of the interests that is under way, and the one that will follow it. */
  #update: Promise<unknown> = Promise.resolve()
  #nextUpdate: Promise<number> | null = null

  constructor(client: IntakeClient, options: RemoteFeedOptions) {
    this.#client = client
    this.#options = options
    this.tried = this.#firstTry.promise
    this.#problem = unreachable(options.url, 'no reply yet')
    this.#lostAtNs = options.clock.monoNs()
    void this.#keepConnected()
  }

  get journal(): string {
    return this.#journal
  }

  get position(): number {
    return this.#position
  }

  /** Why the intake does not reply; null when it does. */
  get problem(): PlatformError | null {
    return this.#problem
  }

  get isLost(): boolean {
    return this.#lostAtNs !== null && this.#options.clock.monoNs() - this.#lostAtNs > GRACE_NS
  }

  /** Aborted when the present connection is lost: no call made before it gets a reply. */
  get connected(): AbortSignal {
    return this.#connected.signal
  }

  join(interest: LiveInterest, listener: (batch: LiveBatch) => void): LiveSubscription {
    this.#listeners.set(listener, interest)
    return {
      from: this.#updateInterests(),
      close: () => {
        if (!this.#listeners.delete(listener) || this.#problem) return
        // Until it succeeds the intake only sends too much.
        this.#updateInterests().catch((error: unknown) => this.#logNotUpdated(error))
      },
    }
  }

  close(): void {
    this.#closing.abort(new PlatformError('CLOSED', 'the connection to the intake was closed'))
  }

  /** Until it is closed. Never rejects. */
  async #keepConnected(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await this.#connectOnce()
      this.#firstTry.resolve()
      await pause(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #connectOnce(): Promise<void> {
    const { url } = this.#options
    const connected = new AbortController()
    this.#connected = connected
    const silence = watchSilence(() =>
      connected.abort(unreachable(url, `nothing for ${SILENCE_MS} ms`)),
    )
    try {
      const bytes = await this.#client.openStream(PATHS.live, this.#signal())
      for await (const line of linesOf(silence.heard(bytes))) this.#receive(line as Line)
      this.#lose(unreachable(url, 'the end of its live stream'))
    } catch (error) {
      this.#lose(error)
    } finally {
      silence.end()
    }
  }

  /** Aborted when the present connection is lost or the feed is closed. */
  #signal(): AbortSignal {
    return AbortSignal.any([this.#connected.signal, this.#closing.signal])
  }

  #receive(line: Line): void {
    if ('stream' in line) return this.#begin(line)
    if ('at' in line) {
      this.#position = line.at
      return
    }
    this.#notify(line.batch)
    this.#position = line.batch.position
  }

  #notify(batch: LiveBatch): void {
    for (const listener of this.#listeners.keys()) listener(batch)
  }

  #begin(hello: Hello): void {
    const { url, log } = this.#options
    // Places of another journal mean nothing to the present viewers.
    if (hello.journal !== this.#journal) this.#listeners.clear()
    this.#journal = hello.journal
    this.#position = hello.position
    this.#stream = hello.stream
    if (this.#problem) log.info({ intake: url, journal: this.#journal }, 'the intake replies')
    this.#problem = null
    this.#lostAtNs = null
    this.#firstTry.resolve()
    if (this.#listeners.size === 0) return
    this.#updateInterests().then(
      (position) => this.#notify({ position, events: [], dropped: 1 }),
      // The connection is lost again, and the next one does the same.
      (error: unknown) => this.#logNotUpdated(error),
    )
  }

  #lose(reason: unknown): void {
    const { url, clock, log } = this.#options
    const before = this.#lostAtNs === null ? null : this.#problem
    const problem = isPlatformError(reason) ? reason : unreachable(url, messageOf(reason), reason)
    this.#stream = null
    this.#lostAtNs ??= clock.monoNs()
    this.#problem = problem
    this.#connected.abort(problem)
    if (problem.message !== before?.message && !this.#closing.signal.aborted) {
      log.warn({ code: problem.code, detail: problem.message }, 'an intake does not reply')
    }
  }

  /** Sends what all listeners together want. Those who join meanwhile wait for the next update. */
  #updateInterests(): Promise<number> {
    this.#nextUpdate ??= this.#update.then(() => {
      this.#nextUpdate = null
      const sent = this.#sendInterests()
      this.#update = sent.catch(() => undefined)
      return sent
    })
    return this.#nextUpdate
  }

  async #sendInterests(): Promise<number> {
    if (this.#problem) throw this.#problem
    const interests = new Map(
      [...this.#listeners.values()].map((interest) => [JSON.stringify(interest), interest]),
    )
    const path = `${PATHS.live}?stream=${this.#stream}`
    const reply = await this.#client.put(path, [...interests.values()], this.#signal())
    // The intake runs the same program: this is what it sends.
    return (reply as { from: number }).from
  }

  #logNotUpdated(error: unknown): void {
    this.#options.log.debug({ detail: messageOf(error) }, 'live: interests were not sent')
  }
}

interface Hello {
  readonly stream: string
  readonly journal: string
  readonly position: number
}
type Line = Hello | { readonly at: number } | { readonly batch: LiveBatch }

const CHECKS = 5

/**
 * Ends a connection on which nothing arrives. It counts checks, not time: a process that was busy
 * itself first reads what has arrived.
 */
function watchSilence(onSilent: () => void) {
  let silentChecks = 0
  const timer = setInterval(() => {
    silentChecks += 1
    if (silentChecks > CHECKS) onSilent()
  }, SILENCE_MS / CHECKS).unref()
  return {
    async *heard(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of bytes) {
        silentChecks = 0
        yield chunk
      }
    },
    end: () => clearInterval(timer),
  }
}
