import { isoOf } from '#lib/runtime/clock.ts'
import {
  liveId,
  type LiveEvent,
  type LiveFeed,
  type LivePlace,
  type SilenceEvent,
} from '#lib/telemetry/live.ts'
import { ACCESS } from '#lib/access/policy.ts'
import type { Gap, LiveText } from './outbox.ts'
import { readingRow, readingRowOf } from '#lib/queries/reading-row.ts'
import { rejectionRow, rejectionRowOf } from '#lib/queries/rejections.ts'
import { jsonOf, namesOf } from '../queries/present.ts'
import type { Names } from '../auth/caller-names.ts'
import type { Requester } from '../auth/scope.ts'

/** How long a browser waits before it reconnects, ms. */
export const RETRY_MS = 2000

/**
 * Server-sent events of one intake. Many viewers see the same events: each is written
 * once for those who see names, and once for those who see pseudonyms.
 */
export function createLiveTexts(
  live: Pick<LiveFeed, 'journal'>,
): (requester: Requester) => LiveText {
  const named = new WeakMap<LiveEvent, string>()
  const pseudonymised = new WeakMap<LiveEvent, string>()

  return (requester) => {
    const texts = ACCESS[requester.caller.key.role].pseudonymised ? pseudonymised : named
    return {
      event(event) {
        const known = texts.get(event)
        if (known !== undefined) return known
        const made = block(event.type, liveId(live.journal, event.place), shown(event, requester))
        texts.set(event, made)
        return made
      },
      silence: ({ row }) => {
        const data = shownSilence(row, requester.names)
        return `event: silence\ndata: ${JSON.stringify(data)}\n\n`
      },
      gap: ({ from, to, dropped }: Gap) => {
        const ends = { from: from && liveId(live.journal, from), to: liveId(live.journal, to) }
        return block('gap', ends.to, { ...ends, dropped })
      },
      heartbeat: (at: LivePlace) => `: heartbeat\nid: ${liveId(live.journal, at)}\n\n`,
    }
  }
}

const READING = { names: namesOf(readingRow), json: jsonOf(readingRow) }
const REJECTION = { names: namesOf(rejectionRow), json: jsonOf(rejectionRow) }

function shown(event: LiveEvent, requester: Requester): unknown {
  const view = {
    ...requester.names,
    seesPositions: !ACCESS[requester.caller.key.role].pseudonymised,
  }
  return event.type === 'reading'
    ? READING.json(READING.names(readingRowOf(event.row), view))
    : REJECTION.json(REJECTION.names(rejectionRowOf(event.row), view))
}

function shownSilence(
  { device, topic, sinceNs, limitS, ended }: SilenceEvent['row'],
  names: Names,
): unknown {
  return {
    device: names.device(device),
    topic: topic && names.channel(topic),
    since: isoOf(sinceNs),
    limitSeconds: limitS,
    ended: ended && isoOf(ended.atNs),
    endedBy: ended && ended.by,
  }
}

/** JSON has no line breaks of its own, so its text is one `data` line. */
function block(event: string, id: string, data: unknown): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
}
