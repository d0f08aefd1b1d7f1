import { z } from 'zod'
import { channelsOf, type Channel } from '#lib/kpi/network/service-series.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { groupColumn } from './columns.ts'
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
  channel: z.string(),
}

export interface ChannelQuery extends Span {
  readonly scope: Scope
}

interface ChannelRow {
  readonly group: Readonly<Partial<Record<'device', FullId | null>>>
  readonly channel: string
}

/** A channel may carry round trips and one-way messages: the detail of its row tells them apart. */
export function channelKey({ group, channel }: ChannelRow, detail: string): string {
  return [group.device ?? '', channel, detail].join('\u0000')
}

export const NO_COVERAGE = {
  coverage: () => null,
  coverageOf: () => 'cannot be told: a silent device and one that is away look the same',
}

/** Messages, with the lost ones, behind one result at most: a day at 2 Hz of one device, an hour of fifty. */
export const MAX_MESSAGES = 200_000

/** A row for each service of each channel of the span. */
export async function eachChannel<Row>(
  { store, signal, yieldToEventLoop }: QueryContext,
  { scope, fromNs, toNs }: ChannelQuery,
  figures: (
    place: { readonly group: { readonly device: FullId }; readonly channel: string },
    service: Channel,
  ) => Row,
): Promise<QueryResult<Row> | TooMany> {
  const delays = await store.delays({ scope, fromNs, toNs, maxRows: MAX_MESSAGES }, signal)
  if (isTooMany(delays)) return delays
  const rows: Row[] = []
  const channels = Map.groupBy(delays, ({ device, channel }) => `${device} ${channel}`)
  for (const mine of channels.values()) {
    const services = channelsOf(mine, MAX_MESSAGES)
    if (!services) return { tooMany: true, limit: MAX_MESSAGES }
    // A group has at least one row.
    const { device, channel } = mine[0]!
    for (const service of services) rows.push(figures({ group: { device }, channel }, service))
    await yieldToEventLoop()
    signal.throwIfAborted()
  }
  return { rows }
}
