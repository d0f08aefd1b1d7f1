import { filtersOverlap } from '#lib/registry/index/topic-filters.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Connection, Welcome } from './connection.ts'
import { sharedFilter, wantedFilters } from './filters.ts'
import type { SourceRegistry } from './owners.ts'
import type { ProtocolVersion } from './packets.ts'
import { hex, reasonOf } from './reasons.ts'
import type { SessionFile } from './session-file.ts'

export interface Attachment {
  readonly connection: Connection
  readonly welcome: Welcome
  readonly session: SessionFile
  readonly version: ProtocolVersion
}

/** Keeps the subscriptions of our session as the settings and the registry want them. */
export interface Subscriptions {
  /** Resolves when everything is subscribed, refused, or the connection has ended. */
  attach(attachment: Attachment): Promise<void>
  detach(): void
  close(): void
  readonly granted: number
  /** Filters the broker refuses; '' when there are none. */
  readonly problem: string
}

interface Options {
  readonly share: string | null
  readonly topics: readonly string[] | null
  readonly longestPauseMs: number
}

interface Deps {
  readonly registry: SourceRegistry
  readonly log: Log
}

/** Changes of the registry come in crowds. */
const CHANGE_PAUSE_MS = 100
const NO_SHARED_SUBSCRIPTIONS = 0x9e
const SHOWN_FILTERS = 5

export function createSubscriptions(options: Options, { registry, log }: Deps): Subscriptions {
  let attached: Attachment | null = null
  let granted: ReadonlySet<string> = new Set()
  let problem = ''
  let timer: NodeJS.Timeout | null = null
  let closed = false
  /** One round after the other. */
  let work: Promise<void> = Promise.resolve()
  if (options.topics !== null) sayOverlaps(options.topics)
  else {
    registry.onChange(({ table }) => {
      if (table === 'devices') again(CHANGE_PAUSE_MS)
    })
  }

  return {
    attach(attachment) {
      attached = attachment
      granted = new Set(keptBy(attachment))
      return round(attachment.version === 5)
    },
    detach() {
      attached = null
      if (timer) clearTimeout(timer)
      timer = null
    },
    close() {
      closed = true
      if (timer) clearTimeout(timer)
    },
    get granted() {
      return granted.size
    },
    get problem() {
      return problem
    },
  }

  function keptBy({ welcome, session }: Attachment): readonly string[] {
    if (welcome.sessionPresent) return session.filters
    if (session.filters.length > 0) {
      log.warn(
        'the foreign broker no longer knows our session: what it kept for us meanwhile is gone ' +
          '(the session ran out, or the broker keeps nothing on disk)',
      )
    }
    return []
  }

  function again(ms: number): void {
    if (closed || timer || !attached) return
    timer = setTimeout(() => {
      timer = null
      void round(false)
    }, ms)
  }

  function round(all: boolean): Promise<void> {
    work = work.then(() => (attached ? reconcile(attached, all) : undefined))
    return work
  }

  /** MQTT 5 subscribes to all again after a reconnect; 3.1.1 would bring retained messages anew. */
  async function reconcile({ connection, welcome, session, version }: Attachment, all: boolean) {
    const share = version === 5 ? options.share : null
    const wanted = wantedFilters(options.topics, registry.devices.list()).map((filter) =>
      sharedFilter(share, filter),
    )
    const asked = new Set(wanted)
    const obsolete = [...granted].filter((filter) => !asked.has(filter))
    const fresh = all ? wanted : wanted.filter((filter) => !granted.has(filter))
    const cannot = share !== null && !welcome.sharedAvailable
    const codes = cannot
      ? fresh.map(() => NO_SHARED_SUBSCRIPTIONS)
      : await connection.subscribe(fresh)
    if (!codes || !(await connection.unsubscribe(obsolete))) return
    const refused = fresh.flatMap((filter, at) => {
      const code = codes[at] ?? 0x80
      return code >= 0x80 ? [{ filter, code }] : []
    })
    const without = new Set(refused.map(({ filter }) => filter))
    granted = new Set(wanted.filter((filter) => !without.has(filter)))
    saveFilters(session)
    sayRefused(refused)
    log.debug({ filters: granted.size }, 'subscribed at the foreign broker')
  }

  /** A broker sends a message once for each subscription that matches it, or only once: both occur. */
  function sayOverlaps(topics: readonly string[]): void {
    const filters = wantedFilters(topics, [])
    for (const [at, filter] of filters.entries()) {
      const other = filters.slice(0, at).find((earlier) => filtersOverlap(earlier, filter))
      if (!other) continue
      log.warn(
        { filters: [other, filter] },
        'two filters of PADBORG_MQTT_TOPICS match the same topics: such messages may come twice',
      )
    }
  }

  /** On a full disk the file stays as it was: after a restart a filter may be subscribed to again. */
  function saveFilters(session: SessionFile): void {
    try {
      session.save([...granted])
    } catch (error) {
      log.warn({ err: error }, 'the subscriptions of our session cannot be noted')
    }
  }

  function sayRefused(
    refused: readonly { readonly filter: string; readonly code: number }[],
  ): void {
    const [first] = refused
    if (!first) {
      problem = ''
      return
    }
    again(options.longestPauseMs)
    const text = `the foreign broker refuses a subscription: ${reasonOf(first.code).text}`
    if (text === problem) return
    problem = text
    const filters = refused.slice(0, SHOWN_FILTERS).map(({ filter }) => filter)
    log.error({ filters, refused: refused.length, code: hex(first.code) }, text)
  }
}
