import { channelsOf, type Channel } from '#lib/kpi/network/service-series.ts'
import type { DelayRow } from '#lib/telemetry/delay.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { channelColumn, groupColumn } from './columns.ts'
import {
  deviceParameters,
  kindsParameter,
  pageParameters,
  spanParameters,
  wordsParameter,
} from './parameters.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/too-many.ts'
import type { QueryContext, QueryResult } from './query.ts'

/*
 * Figures that need each message of a channel, in order: one row per device, channel and service.
 */

export const channelParameters = {
  ...deviceParameters,
  ...kindsParameter,
  ...spanParameters,
  by: wordsParameter(['device'] as const, 'One row per device and channel, always'),
  ...pageParameters,
}

/** The first columns of every such figure. */
export const channelColumns = {
  group: groupColumn(['device']),
  channel: channelColumn(),
}

export interface ChannelQuery extends Span {
  readonly scope: Scope
}

interface ChannelRow {
  readonly group: Readonly<Partial<Record<'device', FullId | null>>>
  readonly channel: string
}

export function channelQuery(_: object, { scope, fromNs, toNs }: ChannelQuery): ChannelQuery {
  return { scope, fromNs, toNs }
}

/** A channel may carry round trips and one-way messages: the detail of its row tells them apart. */
export function channelKey({ group, channel }: ChannelRow, detail: string): string {
  return [group.device ?? '', channel, detail].join('\u0000')
}

/** The parts of a declaration that are the same in every such figure. */
export const channelDeclaration = {
  permission: 'network:read',
  tag: 'network',
  scope: 'figures',
  shape: 'series',
  sources: ['store'],
  limitedBy: 'messages',
} as const

export const NO_COVERAGE = {
  coverage: () => null,
  coverageOf: () => 'cannot be told: a silent device and one that is away look the same',
}

/** Messages, with the lost and replayed ones, behind one result at most: a day at 2 Hz of one device, an hour of fifty. */
export const MAX_MESSAGES = 200_000

interface ChannelPlace {
  readonly group: { readonly device: FullId }
  readonly channel: string
}

/** A row for each service of each channel of the span. */
export function eachChannel<Row>(
  context: QueryContext,
  query: ChannelQuery,
  figures: (place: ChannelPlace, service: Channel) => Row,
): Promise<QueryResult<Row> | TooMany> {
  return eachChannelRows(context, query, (place, messages) => {
    const services = channelsOf(messages, MAX_MESSAGES)
    return services && services.map((service) => figures(place, service))
  })
}

/** The rows of each channel of the span, from its messages; null where they are too many. */
export async function eachChannelRows<Row>(
  { store, signal, yieldToEventLoop }: QueryContext,
  { scope, fromNs, toNs }: ChannelQuery,
  rowsOf: (place: ChannelPlace, messages: readonly DelayRow[]) => readonly Row[] | null,
): Promise<QueryResult<Row> | TooMany> {
  const delays = await store.delays({ scope, fromNs, toNs, maxRows: MAX_MESSAGES }, signal)
  if (isTooMany(delays)) return delays
  const rows: Row[] = []
  const channels = Map.groupBy(delays, ({ device, channel }) => `${device} ${channel}`)
  for (const messages of channels.values()) {
    // A group has at least one row.
    const { device, channel } = messages[0]!
    const own = rowsOf({ group: { device }, channel }, messages)
    if (!own) return { tooMany: true, limit: MAX_MESSAGES }
    rows.push(...own)
    await yieldToEventLoop()
    signal.throwIfAborted()
  }
  return { rows }
}
