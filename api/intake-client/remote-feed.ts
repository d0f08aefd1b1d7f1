import { setTimeout as pause } from 'node:timers/promises'
import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { PATHS, SILENCE_MS, linesOf } from '#lib/runtime/network/internal-http.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { LiveBatch, LiveFeed, LiveInterest } from '#lib/telemetry/live.ts'
import { unreachable, type Connection } from './connection.ts'

export interface RemoteFeedOptions {
  readonly url: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * The live feed of an intake elsewhere, and by its signs of life whether that intake replies at
 * all. It is held open from the start. After a short break viewers are told to read the store for
 * what they missed; after a longer one they are sent away.
 */
export interface RemoteFeed extends LiveFeed {
  /** Resolves when the first attempt to reach the intake has ended, well or not. */
  readonly tried: Promise<void>
  /** Why the intake does not reply; null when it does. */
  problem(): PlatformError | null
  readonly isLost: boolean
  /** Aborted when the present connection is lost: no call made before it gets a reply. */
  readonly connected: AbortSignal
  close(): void
}

const RETRY_MS = 500
/** Longer breaks send the viewers away. */
const GRACE_NS = 3_000_000_000n
const NOBODY = '00000000-0000-0000-0000-000000000000'

export function createRemoteFeed(connection: Connection, options: RemoteFeedOptions): RemoteFeed {
  const { url, clock, log } = options
  const closing = new AbortController()
  const listeners = new Map<(batch: LiveBatch) => void, LiveInterest>()
  const first = Promise.withResolvers<void>()
  let journal = NOBODY
  let position = 0
  let stream: string | null = null
  let problem: PlatformError | null = unreachable(url, 'no answer yet')
  let lostAtNs: bigint | null = clock.monoNs()
  let present = new AbortController()
  /** What is being told, and what will be told after it. */
  let telling: Promise<unknown> = Promise.resolve()
  let next: Promise<number> | null = null
  void keepConnected()

  return {
    get journal() {
      return journal
    },
    get position() {
      return position
    },
    tried: first.promise,
    problem: () => problem,
    get isLost() {
      return lostAtNs !== null && clock.monoNs() - lostAtNs > GRACE_NS
    },
    get connected() {
      return present.signal
    },
    join(interest, listener) {
      listeners.set(listener, interest)
      return {
        from: tell(),
        close() {
          if (!listeners.delete(listener) || problem) return
          // The intake only sends too much meanwhile.
          tell().catch((error: unknown) =>
            log.debug({ detail: messageOf(error) }, 'live: not told'),
          )
        },
      }
    },
    close() {
      closing.abort(new PlatformError('CLOSED', 'the connection to the intake was closed'))
    },
  }

  /** Until it is closed. Never rejects. */
  async function keepConnected(): Promise<void> {
    while (!closing.signal.aborted) {
      await connectOnce()
      first.resolve()
      await pause(RETRY_MS, undefined, { signal: closing.signal, ref: false }).catch(
        () => undefined,
      )
    }
  }

  async function connectOnce(): Promise<void> {
    present = new AbortController()
    const signal = AbortSignal.any([present.signal, closing.signal])
    const silence = watchSilence(() =>
      present.abort(unreachable(url, `nothing for ${SILENCE_MS} ms`)),
    )
    try {
      const bytes = await connection.open(PATHS.live, signal)
      for await (const line of linesOf(silence.heard(bytes))) await take(line as Line)
      lose(unreachable(url, 'the end of its live stream'))
    } catch (error) {
      lose(error)
    } finally {
      silence.end()
    }
  }

  async function take(line: Line): Promise<void> {
    if ('stream' in line) return begin(line)
    if ('at' in line) position = line.at
    else {
      for (const listener of listeners.keys()) listener(line.batch)
      position = line.batch.position
    }
  }

  function begin(hello: Hello): void {
    // Places of another journal mean nothing to those who watch now.
    if (hello.journal !== journal) listeners.clear()
    const hadViewers = listeners.size > 0
    journal = hello.journal
    position = hello.position
    stream = hello.stream
    if (problem) log.info({ intake: url, journal }, 'the intake answers')
    problem = null
    lostAtNs = null
    first.resolve()
    if (!hadViewers) return
    tell().then(
      (from) => {
        const missed: LiveBatch = { position: from, events: [], dropped: 1 }
        for (const listener of listeners.keys()) listener(missed)
      },
      // The connection is lost again, and the next one does the same.
      (error: unknown) => log.debug({ detail: messageOf(error) }, 'live: not told'),
    )
  }

  function lose(reason: unknown): void {
    const isFirst = problem === null || lostAtNs === null
    stream = null
    lostAtNs ??= clock.monoNs()
    const found = isPlatformError(reason) ? reason : unreachable(url, messageOf(reason), reason)
    const isNew = isFirst || found.message !== problem?.message
    problem = found
    present.abort(found)
    if (isNew && !closing.signal.aborted) {
      log.warn({ code: found.code, detail: found.message }, 'an intake cannot be asked')
    }
  }

  /** Says what all listeners together want. Those who come while it is said wait for the next turn. */
  function tell(): Promise<number> {
    next ??= telling.then(() => {
      next = null
      const said = say()
      telling = said.catch(() => undefined)
      return said
    })
    return next
  }

  async function say(): Promise<number> {
    if (problem) throw problem
    const wanted = new Map([...listeners.values()].map((one) => [JSON.stringify(one), one]))
    const signal = AbortSignal.any([present.signal, closing.signal])
    const path = `${PATHS.live}?stream=${stream}`
    // The intake is of the same program: its answer is what this program sends.
    const { from } = (await connection.put(path, [...wanted.values()], signal)) as { from: number }
    return from
  }
}

interface Hello {
  readonly stream: string
  readonly journal: string
  readonly position: number
}
type Line = Hello | { readonly at: number } | { readonly batch: LiveBatch }

const LOOKS = 5

/**
 * Ends a connection on which nothing comes. It counts looks, not time: a process that was busy itself
 * first reads what has come.
 */
function watchSilence(isSilent: () => void) {
  let silent = 0
  const timer = setInterval(() => {
    silent += 1
    if (silent > LOOKS) isSilent()
  }, SILENCE_MS / LOOKS).unref()
  return {
    async *heard(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of bytes) {
        silent = 0
        yield chunk
      }
    },
    end: () => clearInterval(timer),
  }
}
