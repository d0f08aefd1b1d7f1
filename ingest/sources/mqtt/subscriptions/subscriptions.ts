import { filtersOverlap } from '#lib/registry/topics/topic-filters.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { ProtocolVersion } from '#lib/mqtt/packet-types.ts'
import type { Connection, Welcome } from '../connection/connection.ts'
import { hex, reasonOf } from '../connection/reasons.ts'
import type { SourceRegistry } from '../messages/owners.ts'
import type { MqttSettings } from '../options.ts'
import { sharedFilter, wantedFilters } from './filters.ts'
import type { SessionFile } from './session-file.ts'

/** An open connection with the session that it continues. */
export interface OpenSession {
  readonly connection: Connection
  readonly welcome: Welcome
  readonly session: SessionFile
  readonly version: ProtocolVersion
}

interface Refused {
  readonly filter: string
  readonly code: number
}

/** Changes of the registry come in groups. */
const CHANGE_PAUSE_MS = 100
/** Reason codes of SUBACK (MQTT 5, 3.9.3). */
const FIRST_FAILURE = 0x80
const NO_SHARED_SUBSCRIPTIONS = 0x9e
/** Filters in a log line. */
const MAX_SHOWN = 5

/** Keeps the subscriptions of the session as the settings and the registry want them. */
export class Subscriptions {
  readonly #options: Pick<MqttSettings, 'share' | 'topics' | 'maxPauseMs'>
  readonly #registry: SourceRegistry
  readonly #log: Log
  #open: OpenSession | null = null
  #granted: ReadonlySet<string> = new Set()
  #problem = ''
  #timer: NodeJS.Timeout | null = null
  #isClosed = false
  /** One round after the other. */
  #rounds: Promise<void> = Promise.resolve()

  constructor(
    options: Pick<MqttSettings, 'share' | 'topics' | 'maxPauseMs'>,
    registry: SourceRegistry,
    log: Log,
  ) {
    this.#options = options
    this.#registry = registry
    this.#log = log
    if (options.topics !== null) this.#logOverlaps(options.topics)
    else {
      registry.onChange(({ table }) => {
        if (table === 'devices') this.#againIn(CHANGE_PAUSE_MS)
      })
    }
  }

  get granted(): number {
    return this.#granted.size
  }

  /** Filters that the broker refuses; '' when there are none. */
  get problem(): string {
    return this.#problem
  }

  /** Resolves when every filter is subscribed or refused, or the connection has ended. */
  attach(open: OpenSession): Promise<void> {
    this.#open = open
    this.#granted = new Set(this.#keptFilters(open))
    return this.#round(open.version === 5)
  }

  detach(): void {
    this.#open = null
    this.#stopTimer()
  }

  close(): void {
    this.#isClosed = true
    this.#stopTimer()
  }

  #keptFilters({ welcome, session }: OpenSession): readonly string[] {
    if (welcome.sessionPresent) return session.filters
    if (session.filters.length > 0) {
      this.#log.warn(
        'the foreign broker has lost our session: the messages that it kept for us are lost ' +
          '(the session has expired, or the broker keeps nothing on disk)',
      )
    }
    return []
  }

  #againIn(ms: number): void {
    if (this.#isClosed || this.#timer || !this.#open) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#round(false)
    }, ms)
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #round(all: boolean): Promise<void> {
    this.#rounds = this.#rounds.then(() =>
      this.#open ? this.#reconcile(this.#open, all) : undefined,
    )
    return this.#rounds
  }

  /**
   * Subscribes to what is wanted, and unsubscribes from the rest. `all`: after a reconnect, MQTT 5
   * subscribes again to everything; 3.1.1 would send the retained messages again.
   */
  async #reconcile(open: OpenSession, all: boolean): Promise<void> {
    const wanted = this.#wantedFilters(open.version)
    const isWanted = new Set(wanted)
    const obsolete = [...this.#granted].filter((filter) => !isWanted.has(filter))
    const missing = all ? wanted : wanted.filter((filter) => !this.#granted.has(filter))
    const refused = await this.#subscribe(open, missing)
    if (!refused || !(await open.connection.requests.unsubscribe(obsolete))) return
    const isRefused = new Set(refused.map(({ filter }) => filter))
    this.#granted = new Set(wanted.filter((filter) => !isRefused.has(filter)))
    this.#saveFilters(open.session)
    this.#reportRefused(refused)
    this.#log.debug({ filters: this.#granted.size }, 'subscribed at the foreign broker')
  }

  #shareFor(version: ProtocolVersion): string | null {
    return version === 5 ? this.#options.share : null
  }

  #wantedFilters(version: ProtocolVersion): readonly string[] {
    const share = this.#shareFor(version)
    return wantedFilters(this.#options.topics, this.#registry.devices.list()).map((filter) =>
      sharedFilter(share, filter),
    )
  }

  /** The filters that the broker refuses; null when the connection ends first. */
  async #subscribe(
    { connection, welcome, version }: OpenSession,
    filters: readonly string[],
  ): Promise<readonly Refused[] | null> {
    if (this.#shareFor(version) !== null && !welcome.sharedAvailable) {
      return filters.map((filter) => ({ filter, code: NO_SHARED_SUBSCRIPTIONS }))
    }
    const codes = await connection.requests.subscribe(filters)
    if (!codes) return null
    return filters
      .map((filter, at) => ({ filter, code: codes[at] ?? FIRST_FAILURE }))
      .filter(({ code }) => code >= FIRST_FAILURE)
  }

  /** A broker sends a message once for each subscription that matches it, or only once: both occur. */
  #logOverlaps(topics: readonly string[]): void {
    const filters = wantedFilters(topics, [])
    for (const [at, filter] of filters.entries()) {
      const other = filters.slice(0, at).find((earlier) => filtersOverlap(earlier, filter))
      if (!other) continue
      this.#log.warn(
        { filters: [other, filter] },
        'two filters of PADBORG_MQTT_TOPICS match the same topics: such messages may come twice',
      )
    }
  }

  /** On a full disk the file stays as it was: after a restart a filter may be subscribed to again. */
  #saveFilters(session: SessionFile): void {
    try {
      session.save([...this.#granted])
    } catch (error) {
      this.#log.warn({ err: error }, 'the subscriptions of our session cannot be saved')
    }
  }

  #reportRefused(refused: readonly Refused[]): void {
    const [first] = refused
    if (!first) {
      this.#problem = ''
      return
    }
    this.#againIn(this.#options.maxPauseMs)
    const text = `the foreign broker refuses a subscription: ${reasonOf(first.code).text}`
    if (text === this.#problem) return
    this.#problem = text
    const filters = refused.slice(0, MAX_SHOWN).map(({ filter }) => filter)
    this.#log.error({ filters, refused: refused.length, code: hex(first.code) }, text)
  }
}
